"""Changes can be taken one by one: all give the new text, none the old one, some a mixture."""

from hypothesis import given
from hypothesis import strategies as st

from assistant.edit import edited
from assistant.prose import Paragraph, paragraphs
from assistant_tui.notes.changes import Part, edits, numbers, of_sentence, parts, pieces

OLD = "I has teh key. It is is here. Nothing else."
NEW = "I have the key. It is here. Nothing else."

words = st.lists(
    st.sampled_from(["teh", "the", "cat", "was", "is", " ", " ", ". ", "\n\n", "，", "我", "们"]),
    max_size=20,
).map("".join)
lines = words.map(lambda text: text.replace("\n", ""))


def at(start: int, old: str) -> Paragraph:
    return Paragraph(start, start + len(old), old, "", None, "\n")


def one(old: str, new: str) -> tuple[Part, ...]:
    return parts([(at(0, old), new)])


@given(words, words)
def test_all_give_the_new_text_and_none_the_old(old: str, new: str) -> None:
    (part,) = one(old, new)
    assert part.resolved(numbers([part])) == part.new == new
    assert part.resolved([]) == part.old == old


@given(words, words, st.data())
def test_any_choice_has_the_words_of_one_text_at_each_place(
    old: str, new: str, data: st.DataObject
) -> None:
    all_parts = one(old, new)
    taken = data.draw(st.sets(st.sampled_from(numbers(all_parts) or [0])))
    rest = all_parts[0].resolved(taken)
    for piece in all_parts[0].pieces:
        expected = piece.new if piece.number in taken else piece.old
        assert rest.startswith(expected)
        rest = rest.removeprefix(expected)
    assert rest == ""


@given(st.lists(st.tuples(lines, lines, lines), max_size=4))
def test_changes_of_many_places_are_made_where_they_belong(
    places: list[tuple[str, str, str]],
) -> None:
    text, wanted, changed = "", [], ""
    for between, old, new in places:
        text += between + "|"
        changed += between + "|" + (new or old)
        wanted.append((at(len(text), old), new))
        text += old
    all_parts = parts(wanted)
    everything = numbers(all_parts)
    assert everything == list(range(len(everything)))
    assert edited(text, edits(text, all_parts, everything)) == changed
    assert edited(text, edits(text, all_parts, [])) == text


def test_a_wrapped_paragraph_has_no_changes_of_its_line_ends() -> None:
    text = "> We has a server that\n> keeps teh results\n> of all requests.\n"
    (paragraph,) = paragraphs(text)
    new = "We have a server that keeps the results of all requests."
    all_parts = parts([(paragraph, new)])
    assert numbers(all_parts) == [0, 1]
    both = edited(text, edits(text, all_parts, [0, 1]))
    assert [found.text for found in paragraphs(both)] == [new]
    assert all(line.startswith("> ") for line in both.splitlines())
    assert edited(text, edits(text, all_parts, [])) == text


def test_a_change_is_a_word() -> None:
    changes = [(p.old, p.new) for p in pieces(OLD, NEW) if p.number is not None]
    assert changes[:2] == [("has", "have"), ("teh", "the")]
    assert len(changes) == 3


def test_the_changes_of_a_sentence_belong_together() -> None:
    all_parts = one(OLD, NEW)
    assert of_sentence(all_parts, 0) == of_sentence(all_parts, 1) == [0, 1]
    assert of_sentence(all_parts, 2) == [2]


def test_sentences_of_two_paragraphs_are_never_one() -> None:
    all_parts = parts([(at(0, "teh one"), "the one"), (at(9, "teh two"), "the two")])
    assert of_sentence(all_parts, 0) == [0]
    assert of_sentence(all_parts, 1) == [1]


def test_a_translation_is_one_change() -> None:
    assert numbers(one("The weather is nice today.", "今天天气很好。")) == [0]
