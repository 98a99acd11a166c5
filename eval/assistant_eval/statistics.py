"""How right a model was, and how sure that is."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """A share of right answers."""

    accuracy: float
    """From 0 to 1."""
    stderr: float | None
    """One standard error of it; None where there are too few questions to tell."""
    questions: int


def micro(right: Sequence[bool]) -> Score:
    """The share of right answers among all questions, each of which counts alike.

    The standard error is that of a mean, with the unbiased variance: sqrt(p (1 - p) / (n - 1)).
    Raises ValueError where there are no questions.
    """
    count = len(right)
    if not count:
        raise ValueError("no questions, no score")
    share = sum(right) / count
    error = math.sqrt(share * (1 - share) / (count - 1)) if count > 1 else None
    return Score(share, error, count)


def macro(scores: Iterable[Score]) -> Score:
    """The mean of several scores, each of which counts alike.

    The standard error is that of a mean of independent scores. Raises ValueError where there are
    none.
    """
    found = list(scores)
    if not found:
        raise ValueError("no scores, no mean")
    errors = [one.stderr for one in found]
    known = [error for error in errors if error is not None]
    whole = len(known) == len(found)
    return Score(
        sum(one.accuracy for one in found) / len(found),
        math.sqrt(sum(error**2 for error in known)) / len(found) if whole else None,
        sum(one.questions for one in found),
    )


def mean(shares: Sequence[float]) -> Score:
    """The mean of what each of several questions counts, from 0 to 1, with its standard error.

    Raises ValueError where there are none.
    """
    count = len(shares)
    if not count:
        raise ValueError("no questions, no score")
    middle = math.fsum(shares) / count
    spread = math.fsum((share - middle) ** 2 for share in shares)
    error = math.sqrt(spread / (count - 1) / count) if count > 1 else None
    return Score(middle, error, count)
