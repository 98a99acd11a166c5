"""What is known of one time through all questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant_eval.mmlu.questions import LETTERS

Found = Mapping[tuple[str, int], Sequence[float]]
"""The log-likelihoods of the four letters, by subject and the question's place in it."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """One time through all questions."""

    seconds: float
    """From the questions to the likelihoods, with the model loaded."""
    questions: int
    peak_bytes: int
    """The most memory that the process has had."""
    letters: str
    """The likeliest of each question, by subject and place."""


def letters_of(found: Found) -> str:
    """The likeliest letters, in the order of subjects and places."""
    ordered = (found[place] for place in sorted(found))
    return "".join(LETTERS[max(range(4), key=one.__getitem__)] for one in ordered)


def as_fields(sitting: Sitting) -> dict[str, Any]:
    """For the other process."""
    return {name: getattr(sitting, name) for name in Sitting.__slots__}
