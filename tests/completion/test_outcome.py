"""What became of a suggestion is told from edits alone, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.completion.edit_watch import EditWatch
from assistant.completion.outcome import MOMENT_SECONDS, Watch
from assistant.completion.span import Span
from assistant.edit import Edit

BEFORE, AFTER = "def area(r):\n    return ", "\n\nprint(area(2))\n"
PLACE = len(BEFORE)
words = st.text(alphabet="ab(. \n服", max_size=6)


class Typist:
    """A document, and the watch over a suggestion in it."""

    def __init__(self, text: str, before: str = BEFORE, after: str = AFTER) -> None:
        self.document = before + after
        self.watch = Watch(len(before), text, before=before, after=after)
        self.now = 0.0

    def edit(self, start: int, end: int, text: str) -> None:
        self.document = self.document[:start] + text + self.document[end:]
        self.watch.edit(Edit(start, end, text), self.now)

    def replace_all(self, document: str) -> None:
        old, self.document = self.document, document
        self.watch.edit(Edit(0, len(old), document), self.now)

    def type(self, text: str, at: int = PLACE) -> None:
        for number, key in enumerate(text):
            self.edit(at + number, at + number, key)

    @property
    def outcome(self) -> str:
        return self.watch.fate.outcome


def test_nothing_is_known_of_a_suggestion_that_was_only_shown() -> None:
    typist = Typist("3 * r")
    assert typist.watch.settled().outcome == "shown"
    assert typist.watch.settled().replaced_by is None


@given(st.text(min_size=2, max_size=40), st.data())
def test_inserting_it_at_once_accepts_it_however_much_was_typed(
    text: str, data: st.DataObject
) -> None:
    text = text.replace("\r", "")
    size = len(text)
    if size < 2:
        return
    typed = data.draw(st.integers(0, size - 2))
    typist = Typist(text)
    typist.type(text[:typed])
    typist.edit(PLACE + typed, PLACE + typed, text[typed:])
    assert typist.outcome == "accepted"
    assert typist.watch.fate.accepted_characters == size
    assert typist.watch.settled().kept is True


@given(st.text(min_size=1, max_size=40), words, words)
def test_typing_it_key_by_key_is_typing(text: str, before: str, after: str) -> None:
    text = text.replace("\r", "")
    typist = Typist(text or "x", before, after)
    typist.type(text or "x", len(before))
    assert typist.outcome == "typed"
    assert typist.watch.fate.accepted_characters == 0


@given(words, words, st.text(alphabet="ab(. \n服", min_size=2, max_size=6), st.booleans())
def test_it_is_accepted_where_the_editor_says_otherwise_which_of_equal_letters_are_new(
    before: str, after: str, text: str, from_the_end: bool
) -> None:
    typist = Typist(text, before, after)
    new = before + text + after
    typist.edit(*difference(before + after, new, from_the_end))
    assert typist.document == new
    assert typist.outcome == "accepted"


@given(words, words, st.text(alphabet="ab(. \n服", min_size=2, max_size=6), st.booleans())
def test_and_undone_likewise(before: str, after: str, text: str, from_the_end: bool) -> None:
    typist = Typist(text, before, after)
    old = typist.document
    typist.edit(len(before), len(before), text)
    typist.edit(*difference(typist.document, old, from_the_end))
    assert typist.outcome == "undone"


def difference(old: str, new: str, from_the_end: bool) -> tuple[int, int, str]:
    """The edit that an editor finds that compares two texts."""
    if from_the_end:
        start, end, text = difference(old[::-1], new[::-1], False)
        return len(old) - end, len(old) - start, text[::-1]
    start = next(
        (n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
        min(len(old), len(new)),
    )
    tail = 0
    while tail < min(len(old), len(new)) - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return start, len(old) - tail, new[start : len(new) - tail]


def test_an_accepted_word_is_a_part_and_more_of_them_are_a_larger_one() -> None:
    typist = Typist("math.pi * r ** 2")
    typist.edit(PLACE, PLACE, "math.pi")
    assert (typist.outcome, typist.watch.fate.accepted_characters) == ("accepted_part", 7)
    typist.edit(PLACE + 7, PLACE + 7, " * ")
    assert (typist.outcome, typist.watch.fate.accepted_characters) == ("accepted_part", 10)
    typist.type("x + 1", PLACE + 10)
    assert (typist.outcome, typist.watch.fate.accepted_characters) == ("accepted_part", 10)
    assert typist.watch.settled().kept is True
    typist.edit(PLACE + 5, PLACE + 7, "tau")
    similarity = typist.watch.settled().similarity
    assert similarity is not None
    assert 0.6 < similarity < 1.0
    assert typist.watch.settled().replaced_by == "math.tau * ", "without what was typed behind it"


def test_the_rest_may_be_typed_behind_an_accepted_part() -> None:
    typist = Typist("math.pi * r")
    typist.edit(PLACE, PLACE, "math.pi")
    typist.type(" * r", PLACE + 7)
    assert (typist.outcome, typist.watch.fate.accepted_characters) == ("accepted_part", 7)
    assert typist.watch.standing == "math.pi"


@pytest.mark.parametrize("piece", ["ma", "\n    "])
def test_what_ends_within_a_word_or_is_the_enter_key_is_no_accepted_part(piece: str) -> None:
    typist = Typist("math.pi" if piece == "ma" else "\n    math.pi")
    typist.edit(PLACE, PLACE, piece)
    assert typist.outcome == "shown"


def test_other_text_turns_it_down_and_is_what_was_written_instead() -> None:
    typist = Typist("3 * r")
    typist.type("3 + x\nelse", PLACE)
    assert typist.outcome == "rejected"
    assert typist.watch.settled().replaced_by == "3 + x"


def test_two_suggested_lines_are_compared_with_two_written_ones() -> None:
    typist = Typist("3 * r\nend")
    typist.type("x\ny\nz", PLACE)
    assert typist.watch.settled().replaced_by == "x\ny"


def test_taking_back_the_letter_before_it_turns_it_down() -> None:
    typist = Typist("3 * r")
    typist.edit(PLACE - 1, PLACE, "")
    assert typist.outcome == "rejected"


def test_a_typed_letter_may_be_taken_back() -> None:
    typist = Typist("3 * r")
    typist.type("3 ")
    typist.edit(PLACE + 1, PLACE + 2, "")
    assert typist.outcome == "shown"
    typist.edit(PLACE + 1, PLACE + 1, " * r")
    assert typist.outcome == "accepted"


def test_edits_elsewhere_decide_nothing_and_move_the_place() -> None:
    typist = Typist("3 * r")
    typist.edit(0, 0, "import math\n\n")
    typist.edit(len(typist.document), len(typist.document), "# the end\n")
    typist.edit(PLACE + 13, PLACE + 13, "3 * r")
    assert typist.outcome == "accepted"


def test_a_popup_that_replaces_the_word_at_the_cursor_accepts_it() -> None:
    typist = Typist("h.pi", before="x = mat")
    typist.edit(4, 7, "math.pi")
    assert typist.outcome == "accepted"


def test_undone_is_what_was_taken_out_soon_and_not_what_was_deleted_later() -> None:
    for seconds, outcome in ((MOMENT_SECONDS - 1, "undone"), (MOMENT_SECONDS + 1, "accepted")):
        typist = Typist("3 * r")
        typist.type("3")
        typist.edit(PLACE + 1, PLACE + 1, " * r")
        typist.now = seconds
        typist.edit(PLACE + 1, PLACE + 5, "")
        assert typist.outcome == outcome


def test_what_was_written_after_an_undo_is_known() -> None:
    typist = Typist("3 * r")
    typist.edit(PLACE, PLACE, "3 * r")
    typist.edit(PLACE, PLACE + 5, "")
    typist.type("pi")
    fate = typist.watch.settled()
    assert (fate.outcome, fate.replaced_by, fate.similarity) == ("undone", "pi", None)


def test_a_bracket_that_the_editor_closes_is_no_disagreement() -> None:
    typist = Typist("round(r) + 1")
    typist.type("round")
    typist.edit(PLACE + 5, PLACE + 5, "()")
    typist.type("r", PLACE + 6)
    typist.type(" + 1", PLACE + 8)  # behind the bracket, which was typed over
    assert typist.outcome == "typed"
    assert typist.document == BEFORE + "round(r) + 1" + AFTER


def test_a_suggestion_within_brackets_that_the_editor_closed_is_accepted() -> None:
    typist = Typist("round(r)")
    typist.type("round")
    typist.type("()", PLACE + 5)
    assert typist.watch.continues(PLACE + 6, "r")
    typist.edit(PLACE + 6, PLACE + 6, "r")
    assert typist.outcome == "typed"
    assert typist.watch.standing == "round(r)"


def test_only_what_is_left_continues_it() -> None:
    typist = Typist("3 * r")
    typist.type("3 ")
    assert typist.watch.continues(PLACE + 2, "* r")
    assert not typist.watch.continues(PLACE + 2, "* x")
    assert not typist.watch.continues(PLACE, "* r")


def test_something_longer_that_begins_like_it_is_another_suggestion() -> None:
    typist = Typist("3 * r")
    typist.edit(PLACE, PLACE, "3 * r * r")
    assert typist.outcome == "typed"
    assert typist.watch.standing == "3 * r"


@pytest.mark.parametrize("first", [True, False])
def test_an_editor_may_say_that_it_was_accepted_before_or_after_the_edit(first: bool) -> None:
    typist = Typist("r")
    if first:
        typist.watch.accepted(None, 0.0)
    typist.edit(PLACE, PLACE, "r")
    if not first:
        assert typist.outcome == "typed"
        typist.watch.accepted(None, 0.0)
    assert typist.outcome == "accepted"
    assert typist.watch.settled().kept is True


def test_what_the_editor_says_counts_more_than_how_it_indents() -> None:
    typist = Typist("if r:\n    go()")
    typist.watch.accepted(None, 0.0)
    typist.edit(PLACE, PLACE, "if r:\n\tgo()")
    fate = typist.watch.settled()
    assert fate.outcome == "accepted"
    assert fate.similarity is not None
    assert 0.5 < fate.similarity < 1.0


def test_an_accepted_part_that_the_editor_tells_of() -> None:
    typist = Typist("math.pi * r")
    typist.watch.accepted(2, 0.0)
    typist.edit(PLACE, PLACE, "ma")
    assert (typist.outcome, typist.watch.fate.accepted_characters) == ("accepted_part", 2)


def test_line_ends_of_the_document_are_no_difference() -> None:
    typist = Typist("a\nb", "x = ", "\r\n")
    typist.edit(4, 4, "a\r\nb")
    assert typist.outcome == "accepted"
    assert typist.watch.settled().kept is True
    typist.edit(4, 5, "one")
    assert typist.watch.settled().replaced_by == "one\nb"
    keys = Typist("a\r\nb", "x = ", "\r\n")
    for place, key in ((4, "a"), (5, "\r\n"), (7, "b")):
        keys.edit(place, place, key)
    assert keys.outcome == "typed"


def test_an_editor_may_send_the_whole_text_at_each_key() -> None:
    typist = Typist("3 * r")
    for typed in ("3", "3 ", "3 *"):
        typist.replace_all(BEFORE + typed + AFTER)
    assert typist.outcome == "shown"
    typist.replace_all(BEFORE + "3 * r" + AFTER)
    assert typist.outcome == "accepted"
    typist.replace_all("import math\n" + typist.document + "# end\n")
    assert typist.watch.settled().kept is True
    typist.replace_all(typist.document.replace("3 * r", "3 * q"))
    similarity = typist.watch.settled().similarity
    assert similarity is not None
    assert 0.7 < similarity < 1.0


def test_what_was_put_there_by_an_action_may_be_kept_or_undone() -> None:
    text = "The server keeps the result."
    watch = EditWatch(3, "", text, "# \n", "\n")
    watch.edit(Edit(3, 3, text), 0.0)
    assert watch.settled().kept is True
    watch.edit(Edit(3, 3 + len(text), ""), 1.0)
    assert watch.fate.outcome == "undone"


def test_long_texts_are_compared_by_their_words() -> None:
    text = "".join(f"The server keeps result {number} in a cache.\n" for number in range(40))
    watch = Watch(0, text)
    watch.edit(Edit(0, 0, text), 0.0)
    start = text.index("result 20")
    watch.edit(Edit(start, start + 6, "answer"), 0.0)
    similarity = watch.settled().similarity
    assert similarity is not None
    assert 0.99 < similarity < 1.0


def test_an_undo_is_seen_where_the_old_text_holds_the_new_one() -> None:
    watch = EditWatch(3, "Bad words.", "words.", "# \n", "\n")
    assert watch.edit(Edit(3, 7, ""), 0.0) and watch.taken
    watch.edit(Edit(3, 3, "Bad "), 1.0)
    assert watch.fate.outcome == "undone"


def test_a_text_rewritten_all_around_it_leaves_nothing_known() -> None:
    typist = Typist("3 * r", "line\n" * 100, "line\n" * 100)
    typist.edit(500, 500, "3 * r")
    typist.replace_all("other\n" * 50)
    fate = typist.watch.settled()
    assert (fate.outcome, fate.similarity) == ("accepted", None)


edits = st.tuples(st.integers(0, 60), st.integers(0, 60), st.text(alphabet="xyz", max_size=8))


@given(st.integers(0, 20), st.integers(0, 10), st.lists(edits, max_size=12))
def test_a_span_is_followed_as_if_each_character_were_marked(
    start: int, size: int, changes: list[tuple[int, int, str]]
) -> None:
    text = "".join(chr(0x4E00 + n) for n in range(40))
    span = Span(start, text[start : start + size], text[:start], text[start + size :])
    marked = [(character, start <= n < start + size) for n, character in enumerate(text)]
    for one, other, new in changes:
        first, last = sorted((min(one, len(marked)), min(other, len(marked))))
        if contains(marked, first, last):
            continue  # what takes its place is a matter of taste
        inside = is_inside(marked, first, last)
        marked[first:last] = [(character, inside) for character in new]
        span.follow(Edit(first, last, new))
    assert span.text == "".join(character for character, mark in marked if mark)


def contains(marked: list[tuple[str, bool]], first: int, last: int) -> bool:
    places = [n for n, (_, mark) in enumerate(marked) if mark]
    return not places or (first <= places[0] and places[-1] < last)


def is_inside(marked: list[tuple[str, bool]], first: int, last: int) -> bool:
    places = [n for n, (_, mark) in enumerate(marked) if mark]
    if first == last:
        return places[0] < first <= places[-1]
    return places[0] <= first and last <= places[-1] + 1


@given(
    st.text(alphabet="ab\n", max_size=300),
    st.text(alphabet="ab\n", min_size=1, max_size=10),
    st.text(alphabet="ab\n", max_size=300),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 9), words), max_size=20),
)
def test_what_stands_there_is_always_what_the_document_holds(
    before: str, text: str, after: str, changes: list[tuple[int, int, str]]
) -> None:
    document = before + after
    watch = Watch(len(before), text, before=before, after=after)
    for place, size, new in changes:
        start = min(place, len(document))
        end = min(start + size, len(document))
        document = document[:start] + new + document[end:]
        watch.edit(Edit(start, end, new), 0.0)
        span = watch._span
        assert document[span.start : span.end] == span.text
        assert document[span._base : span._top] == span._known


@given(
    st.integers(0, 1000),
    st.lists(st.tuples(st.integers(0, 1010), st.integers(0, 400), words), max_size=8),
)
def test_the_place_is_not_lost_in_an_editor_that_sends_the_whole_text(
    place: int, changes: list[tuple[int, int, str]]
) -> None:
    document = "".join(chr(0x4E00 + n) for n in range(1000))
    watch = Watch(place, "suggestion", before=document[:place], after=document[place:])
    for at, size, new in changes:
        start = min(at, len(document))
        changed = document[:start] + new + document[start + size :]
        span = watch._span
        rewritten = min(start - span._base, span._top - (start + size)) < 8
        watch.edit(Edit(0, len(document), changed), 0.0)
        document = changed
        if watch.lost:
            assert rewritten
            return
        assert document[span._base : span._top] == span._known
        assert document[span.start : span.end] == span.text
