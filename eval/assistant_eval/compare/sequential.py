"""A second model asked only until it is clear how it compares with the first."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant_eval.compare.betting import Betting
from assistant_eval.compare.paired import CONFIDENCE
from assistant_eval.compare.pairs import Key, of_answers
from assistant_eval.mmlu.questions import Exam, Subject

if TYPE_CHECKING:
    from assistant_eval.mmlu.answers import Answer

FIRST = 64
"""Questions before the first look; each further stage asks as many again as there were."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known after so many questions. Differences are the second's to the first's."""

    asked: int
    population: int
    """Questions of the whole exam, for which the bounds hold."""
    low: float
    """Both bounds hold with 95 % confidence, at whatever moment one looks."""
    high: float
    at_least: float
    """One bound by itself, with the same confidence."""
    at_most: float

    def is_clear(self, margin: float | None) -> bool:
        """Whether one is better; with a margin, whether the second is worse by more, or is not."""
        if margin is None:
            return self.low > 0 or self.high < 0
        return self.at_least > -margin or self.at_most < -margin


def shuffled(exam: Exam, seed: int) -> list[Key]:
    """All questions in a random order."""
    keys = [(subject.name, str(question.number)) for subject, question in exam]
    random.Random(seed).shuffle(keys)
    return keys


def stages(exam: Exam, order: Sequence[Key]) -> Iterator[tuple[Exam, Sequence[Key]]]:
    """What is asked before each look, with its order."""
    done = 0
    while done < len(order):
        keys = order[done : max(FIRST, 2 * done)]
        yield _only(exam, set(keys)), keys
        done += len(keys)


def ask_until_clear(
    exam: Exam,
    first: Mapping[Key, float],
    ask: "Callable[[Exam], Sequence[Answer]]",
    margin: float | None,
    seed: int,
) -> tuple[Known, dict[Key, float]]:
    """Ask the second model until it is clear; what is known, and which answers were right.

    `first` says which questions the first model answered rightly, `ask` has the second answer some.
    See `Known.is_clear` for what is to be clear.
    """
    alpha = 1 - CONFIDENCE
    betting, found = Betting(len(first)), dict[Key, float]()
    for part, keys in stages(exam, shuffled(exam, seed)):
        right = of_answers(ask(part))
        for key in keys:
            betting.see(right[key] - first[key])
        found |= {key: right[key] for key in keys}
        known = Known(
            asked=len(found),
            population=len(first),
            low=betting.lower(alpha / 2),
            high=betting.upper(alpha / 2),
            at_least=betting.lower(alpha),
            at_most=betting.upper(alpha),
        )
        if known.is_clear(margin):
            break
    return known, found


def _only(exam: Exam, keys: set[Key]) -> Exam:
    """The subjects with no other questions than these."""
    parts = (
        Subject(
            subject.name,
            subject.shots,
            tuple(one for one in subject.questions if (subject.name, str(one.number)) in keys),
        )
        for subject in exam.subjects
    )
    return Exam(exam.source, tuple(part for part in parts if part.questions))
