"""What is asked: questions by subject, with the examples that are shown before them."""

from collections.abc import Iterator
from dataclasses import dataclass

from assistant_eval import fingerprints

LETTERS = "ABCD"
MOST_SHOTS = 5


@dataclass(frozen=True, slots=True)
class Question:
    """A question with four options."""

    number: int
    """Its place in the subject's whole test, from 0."""
    text: str
    options: tuple[str, str, str, str]
    answer: int
    """The place of the right option."""

    @property
    def letter(self) -> str:
        """The letter of the right option."""
        return LETTERS[self.answer]


@dataclass(frozen=True, slots=True)
class Subject:
    """The questions of one subject."""

    name: str
    """As the files have it, such as `college_biology`."""
    shots: tuple[Question, ...]
    """The examples, in their order."""
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Exam:
    """All that is asked."""

    source: str
    """Where it was read, for people."""
    subjects: tuple[Subject, ...]

    def __len__(self) -> int:
        return sum(len(subject.questions) for subject in self.subjects)

    def __iter__(self) -> Iterator[tuple[Subject, Question]]:
        for subject in self.subjects:
            for question in subject.questions:
                yield subject, question

    def sha256(self) -> str:
        """The fingerprint of everything that is asked or shown, wherever it was read."""
        return fingerprints.of_value(
            [
                [subject.name, *(_fields(one) for one in (*subject.shots, *subject.questions))]
                for subject in self.subjects
            ]
        )


def _fields(question: Question) -> list[object]:
    return [question.number, question.text, question.options, question.answer]
