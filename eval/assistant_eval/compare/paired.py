"""Tests for two runs on the same questions, when all of them are answered."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant_eval.statistics import Score, mean

CONFIDENCE = 0.95
_RESAMPLED = 10_000
_SEED = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs beside each other; shares from 0 to 1."""

    a: Score
    b: Score
    gained: int
    """Questions at which the second is better."""
    lost: int
    """Questions at which it is worse."""
    low: float
    """Where the difference of the second to the first lies with 95 % confidence."""
    high: float
    p_value: float | None
    """How likely so great a difference is, either way, if the two are equally good; None where one
    stopped as soon as it was clear, as that makes it too small."""

    @property
    def difference(self) -> float:
        """How much better the second is."""
        return self.b.accuracy - self.a.accuracy


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether the second run is good enough."""

    margin: float
    """By how much it may be worse, from 0 to 1."""
    bound: float
    """It is worse by no more than this far below zero, with 95 % confidence."""

    @property
    def passed(self) -> bool:
        """Whether it is shown that the second is not worse by more than the margin."""
        return self.bound > -self.margin


def compare(a: Sequence[float], b: Sequence[float]) -> Comparison:
    """Compare what two runs made of the same questions, in the same order.

    Where every question is right or wrong the p-value is McNemar's, exact; where it is right in
    parts, that of 10,000 random exchanges of the two. The interval is the bootstrap's over
    questions, by percentiles. Raises ValueError where there are no questions.
    """
    differences = _differences(a, b)
    low, high = _bootstrap(differences, (1 - CONFIDENCE) / 2)
    gained, lost = _changed(differences)
    exact = set(differences) <= {-1.0, 0.0, 1.0}
    p_value = mcnemar(gained, lost) if exact else _exchanged(differences)
    return Comparison(mean(a), mean(b), gained, lost, low, high, p_value)


def gate(a: Sequence[float], b: Sequence[float], margin: float) -> Gate:
    """Ask whether the second run is worse than the first by no more than `margin`.

    One-sided: by Tango's score test where every question is right or wrong, otherwise by the
    bootstrap. What is not shown does not pass, so few questions never do with a small margin.
    """
    differences = _differences(a, b)
    if set(differences) <= {-1.0, 0.0, 1.0}:
        return Gate(margin, score_bound(*_changed(differences), len(differences)))
    return Gate(margin, _bootstrap(differences, 1 - CONFIDENCE)[0])


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided p-value of so many changes for the better and for the worse.

    McNemar 1947, Psychometrika 12: 153-157, with the binomial distribution itself: under equality
    a change goes either way with probability 1/2.
    """
    changes = gained + lost
    tail, term = 0, 1
    for count in range(min(gained, lost) + 1):
        tail += term
        term = term * (changes - count) // (count + 1)
    return min(1.0, 2 * tail / (1 << changes))


def score_bound(gained: int, lost: int, questions: int) -> float:
    """The one-sided 95 % lower bound of the difference, by Tango's score test.

    Tango 1998, Statistics in Medicine 17: 891-908. It keeps its level where few questions change,
    and says something where none does.
    """
    normal = 1.6448536269514722  # of which a normal variable is greater once in twenty times
    low, high = -1.0, (gained - lost) / questions
    for _ in range(60):
        middle = (low + high) / 2
        if _score(gained, lost, questions, middle) > normal:
            low = middle
        else:
            high = middle
    return low


def _score(gained: int, lost: int, questions: int, difference: float) -> float:
    """Tango's statistic: how far what was seen is from a true difference, in standard errors."""
    seen = gained - lost - questions * difference
    linear = -gained - lost + (2 * questions - gained + lost) * difference
    constant = -lost * difference * (1 - difference)
    root = math.sqrt(max(0.0, linear**2 - 8 * questions * constant))
    rest = (root - linear) / (4 * questions)
    variance = questions * (2 * rest + difference * (1 - difference))
    if variance <= 0:
        return math.copysign(math.inf, seen) if seen else 0.0
    return seen / math.sqrt(variance)


def _differences(a: Sequence[float], b: Sequence[float]) -> list[float]:
    found = [new - old for old, new in zip(a, b, strict=True)]
    if not found:
        raise ValueError("no questions, no comparison")
    return found


def _changed(differences: Sequence[float]) -> tuple[int, int]:
    """How many questions are better, and how many worse."""
    return sum(one > 0 for one in differences), sum(one < 0 for one in differences)


def _bootstrap(differences: Sequence[float], share: float) -> tuple[float, float]:
    """The quantiles at `share` and 1 - `share` of the mean difference, resampled by questions.

    Efron 1979, Annals of Statistics 7: 1-26. Exchanged runs have the same interval, turned round.
    """
    turned = sorted(-one for one in differences)
    ordered = max(sorted(differences), turned)
    values, counts = zip(*sorted(Counter(ordered).items()), strict=True)
    total = len(ordered)
    drawn = np.random.default_rng(_SEED).multinomial(
        total, np.array(counts) / total, size=_RESAMPLED
    )
    low, high = (
        float(one) for one in np.quantile(drawn @ np.array(values) / total, [share, 1 - share])
    )
    if turned == sorted(differences):
        return (low - high) / 2, (high - low) / 2
    return (-high, -low) if ordered == turned else (low, high)


def _exchanged(differences: Sequence[float]) -> float:
    """The two-sided p-value of the mean difference, by exchanging the runs' answers at random."""
    values = np.array([one for one in differences if one])
    if not len(values):
        return 1.0
    rng = np.random.default_rng(_SEED)
    signs = rng.integers(0, 2, size=(_RESAMPLED, len(values)), dtype=np.int8) * 2 - 1
    # What differs by rounding alone is as great.
    as_great = np.abs(signs @ values) >= abs(values.sum()) - 1e-9
    return (1 + int(as_great.sum())) / (1 + _RESAMPLED)
