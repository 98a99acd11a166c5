"""Prompts as the protocols' own programs write them, token for token."""

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.engine.renderers import load_text_tokenizer
from assistant.prompts import TextTokenizer
from assistant.registry import STARTER, locate
from assistant_eval.encoding import Encoder
from assistant_eval.mmlu.prompts import Ask, Batch, Prompts, prepare
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.questions import Exam, Question, Subject
from tests.eval.exams import subject
from tests.prompts.families import FAMILIES, families

EXAMPLE = Question(0, "One?", ("w", "x", "y", "z"), 2)
ASKED = Question(0, " Two?\n", ("1", "None", "3", "4"), 0)
TINY = Exam("here", (Subject("us_foreign_policy", (EXAMPLE,), (ASKED,)),))
HEADER = "The following are multiple choice questions (with answers) about"
OPTIONS = "A. w\nB. x\nC. y\nD. z\nAnswer:"
ASKED_OPTIONS = "A. 1\nB. None\nC. 3\nD. 4\nAnswer:"
WRITTEN = {
    "original": f"{HEADER}  us foreign policy.\n\nOne?\n{OPTIONS} C\n\n Two?\n\n{ASKED_OPTIONS}",
    "harness": f"{HEADER} us foreign policy.\n\nOne?\n{OPTIONS} C\n\nTwo?\n{ASKED_OPTIONS}",
    "helm": f"{HEADER} us foreign policy.\n\nQuestion: One?\n{OPTIONS} C\n\n"
    f"Question:  Two?\n\n{ASKED_OPTIONS}",
    "old-harness": f"Question: One?\nChoices:\n{OPTIONS} y\n\n"
    f"Question:  Two?\n\nChoices:\n{ASKED_OPTIONS}",
}
WRITTEN["instruct-eval"] = WRITTEN["qlora"] = WRITTEN["original"]


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return load_text_tokenizer(locate(STARTER))


@pytest.fixture(scope="module")
def encoder(tokenizer: TextTokenizer) -> Encoder:
    return Encoder(tokenizer)


def prepared(
    exam: Exam, names: Iterable[str], encoder: Encoder, *, shots: int = 5, context: int = 4096
) -> Prompts:
    return prepare(exam, [PROTOCOLS[name] for name in names], shots, encoder, context)


def asked(prompts: Prompts) -> list[tuple[tuple[int, ...], Ask]]:
    """Every prompt with all of its ids."""
    return [
        ((*batch.prefix, *item.ids), ask)
        for batch in prompts.batches
        for item in batch.items
        for ask in item.asks
    ]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_text_is_the_protocols_own(name: str, tokenizer: TextTokenizer) -> None:
    encoder = Encoder(tokenizer)
    ((ids, ask),) = asked(prepared(TINY, [name], encoder))
    first = (encoder.bos,) if PROTOCOLS[name].bos == "always" else ()
    assert ids == (*first, *tokenizer.fast.encode(WRITTEN[name]).ids)
    assert (ask.tokens, ask.shots, ask.lost) == (len(ids), 1, 0)


def test_letters_are_compared_as_they_stand_behind_the_prompt(tokenizer: TextTokenizer) -> None:
    prompts = prepared(TINY, ["harness", "qlora", "helm"], Encoder(tokenizer))
    fast = tokenizer.fast
    behind = {letter: fast.encode(f"Answer: {letter}").ids[-1] for letter in "ABCD"}
    bare = {letter: fast.encode(letter, add_special_tokens=False).ids[0] for letter in "ABCD"}
    assert prompts.facts["harness"].compared == {key: [one] for key, one in behind.items()}
    assert prompts.facts["qlora"].compared == {key: [one] for key, one in bare.items()}
    assert prompts.facts["helm"].compared is None
    assert behind != bare


def test_the_same_tokens_are_read_once(encoder: Encoder) -> None:
    exam = Exam("here", (subject("anatomy", 6),))
    one = prepared(exam, ["original"], encoder)
    both = prepared(exam, ["original", "instruct-eval"], encoder)
    assert len(both) == 2 * len(one)
    assert [batch.prefix for batch in both.batches] == [batch.prefix for batch in one.batches]
    assert [len(batch.items) for batch in both.batches] == [
        len(batch.items) for batch in one.batches
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_letters_are_those_of_whole_prompts_in_every_family(family: str) -> None:
    tokenizer = families()[family].text_tokenizer()
    exam = Exam("here", (subject("anatomy", 6),))
    for ids, ask in asked(prepared(exam, ["original", "harness"], Encoder(tokenizer))):
        style = ask.protocol.style
        start = style.begin("anatomy") + "".join(map(style.example, exam.subjects[0].shots))
        for letter, own in zip("ABCD", ask.compared, strict=True):
            whole = tokenizer.fast.encode(f"{start}{style.put(ask.question)} {letter}").ids
            assert whole == [*ids, *own]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    family=st.sampled_from(FAMILIES),
    texts=st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1, max_size=5)), min_size=2),
    shots=st.integers(0, 5),
    name=st.sampled_from(sorted(PROTOCOLS)),
)
def test_what_is_read_behind_the_beginning_makes_the_whole_prompt(
    family: str, texts: list[tuple[str, str]], shots: int, name: str
) -> None:
    """Whatever the question begins with, and however the tokenizer joins it to the examples."""
    encoder = Encoder(families()[family].text_tokenizer())
    made = subject("anatomy", 1)
    questions = tuple(
        Question(number, text, (option, "b", "c", "d"), 1)
        for number, (text, option) in enumerate(texts)
    )
    exam = Exam("here", (Subject("anatomy", made.shots, questions),))
    protocol = PROTOCOLS[name]
    style, expected = protocol.style, list[tuple[int, ...]]()
    start = style.begin("anatomy") + "".join(map(style.example, made.shots[:shots]))
    for question in questions:
        (ids,) = encoder.encode([start + style.put(question)], protocol.bos)
        expected.append(ids)
    found = asked(prepared(exam, [name], encoder, shots=shots))
    assert sorted(ids for ids, _ in found) == sorted(expected)
    assert {ask.question.number for _, ask in found} == set(range(len(texts)))


def test_a_subject_shares_its_examples(encoder: Encoder) -> None:
    exam = Exam("here", (subject("anatomy", 8),))
    (batch, *_) = prepared(exam, ["harness"], encoder).batches
    style, made = PROTOCOLS["harness"].style, exam.subjects[0]
    start = style.begin("anatomy") + "".join(map(style.example, made.shots))
    (ids,) = encoder.encode([start], "tokenizer")
    assert len(ids) - 1 <= len(batch.prefix) <= len(ids) + 1


def long_exam(encoder: Encoder, name: str) -> tuple[Exam, int]:
    """A subject, and a context that its examples do not fit into."""
    exam = Exam("here", (subject("anatomy", 6, words=40),))
    lengths = [len(ids) for ids, _ in asked(prepared(exam, [name], encoder))]
    return exam, min(lengths) - 20


@pytest.mark.parametrize("name", ["original", "helm", "instruct-eval"])
def test_whole_examples_are_left_out(name: str, encoder: Encoder) -> None:
    exam, context = long_exam(encoder, name)
    prompts = prepared(exam, [name], encoder, context=context)
    fewer = {(ids, ask.shots) for ids, ask in asked(prompts)}
    assert fewer
    for ids, ask in asked(prompts):
        assert 0 < ask.shots < 5
        assert ask.lost == 0
        whole = asked(prepared(exam, [name], encoder, shots=ask.shots))
        assert ids in [other for other, _ in whole]
    assert sum(prompts.facts[name].shots.values()) == 6
    assert prompts.facts[name].cut == 0


def test_the_harness_cuts_the_beginning_off(encoder: Encoder) -> None:
    exam, context = long_exam(encoder, "harness")
    whole = {ask.question.number: ids for ids, ask in asked(prepared(exam, ["harness"], encoder))}
    prompts = prepared(exam, ["harness"], encoder, context=context)
    for ids, ask in asked(prompts):
        assert ids == whole[ask.question.number][-context:]
        assert ask.lost == len(whole[ask.question.number]) - context > 0
    assert prompts.facts["harness"].cut == 6


def test_qlora_cuts_the_end_off_and_with_it_the_question(
    encoder: Encoder, tokenizer: TextTokenizer
) -> None:
    exam, context = long_exam(encoder, "qlora")
    prompts = prepared(exam, ["qlora"], encoder, context=context)
    (ids, ask), *_ = asked(prompts)
    assert len(ids) == context and ask.lost > 0
    assert not tokenizer.decode(ids).endswith("Answer:")
    assert prompts.facts["qlora"].bos == encoder.bos


def test_what_is_written_finds_room_behind_the_prompt(encoder: Encoder) -> None:
    exam = Exam("here", (subject("anatomy", 6, words=40),))
    for name, protocol in PROTOCOLS.items():
        for ids, ask in asked(prepared(exam, [name], encoder, context=200)):
            behind = max([protocol.writes, *map(len, ask.compared)])
            assert len(ids) + behind - 1 <= 200


def test_batches_are_the_same_every_time(encoder: Encoder) -> None:
    exam = Exam("here", (subject("anatomy", 30), subject("astronomy", 9)))

    def arranged() -> list[Batch]:
        return list(prepared(exam, PROTOCOLS, encoder).batches)

    assert arranged() == arranged()
    rows = [sum(len(item.ids) for item in batch.items) for batch in arranged()]
    assert max(rows) > 256
