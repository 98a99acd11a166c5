"""What comes again, or nearly, is recognized, and what only begins alike is not."""

import random

from assistant.messages import CompletionRequest
from assistant_finetune.data import Chat, Document, Example, Hole, Origin
from assistant_finetune.data.duplicates import Duplicates, Sameness
from tests.prompts.families import conversation

RNG = random.Random(0)
WORDS = [f"word{number}" for number in range(2000)]


def words(count: int) -> list[str]:
    return [RNG.choice(WORDS) for _ in range(count)]


def chat(*texts: str, line: int = 1) -> Chat:
    return Chat(conversation(*texts), Origin("a", line))


def second_is(first: Example, second: Example) -> Sameness | None:
    duplicates = Duplicates()
    assert duplicates.find(first) is None
    twin = duplicates.find(second)
    duplicates.close()
    return twin.sameness if twin else None


def test_the_same_again() -> None:
    assert second_is(chat("q", "a"), chat("q", "a ", line=2)) is Sameness.EXACT
    assert second_is(chat("q", "a"), chat("q", "b")) is None


def test_nearly_the_same() -> None:
    question, answer = words(40), words(200)
    changed = [*answer[:100], "changed", *answer[101:]]
    first = chat(" ".join(question), " ".join(answer))
    assert second_is(first, chat(" ".join(question), " ".join(changed))) is Sameness.NEAR


def test_another_answer_to_the_same_long_question_is_kept() -> None:
    page = " ".join(words(400))
    first = chat(f"{page} Who wrote it?", "It was written by an unknown monk in York.")
    other = chat(f"{page} When was it?", "In the long winter of the year of the fire.")
    assert second_is(first, other) is None
    assert second_is(chat(f"{page} a?", "Yes"), chat(f"{page} b?", "No")) is None


def test_half_the_same_is_kept() -> None:
    shared = words(100)
    first = Document(" ".join(shared + words(100)), Origin("a"))
    assert second_is(first, Document(" ".join(shared + words(100)), Origin("b"))) is None


def test_places_in_one_file_are_not_the_same() -> None:
    file = " ".join(words(300))

    def hole(place: int, middle: str) -> Hole:
        return Hole(CompletionRequest(file[:place], file[place:]), middle, Origin("a"))

    assert second_is(hole(500, "x"), hole(501, "x")) is None
    assert second_is(hole(500, "x"), hole(500, "x")) is Sameness.EXACT


def test_chinese_without_spaces() -> None:
    text = "".join(chr(0x4E00 + RNG.randrange(3000)) for _ in range(200))
    changed = text[:100] + "变" + text[101:]
    assert second_is(Document(text, Origin("a")), Document(changed, Origin("b"))) is Sameness.NEAR


def test_the_twin_is_named() -> None:
    duplicates = Duplicates()
    duplicates.find(chat("q", "a", line=7))
    twin = duplicates.find(chat("q", "a", line=9))
    assert twin is not None
    assert twin.origin == "a:7"
