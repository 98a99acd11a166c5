"""Two runs beside each other, as `assistant eval compare --json` tells them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_UNLIKELY = 0.05


@dataclass(frozen=True, slots=True)
class Side:
    """One run's share."""

    share: float
    error: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Both runs on the same questions."""

    name: str
    a: Side
    b: Side
    gained: int
    """Questions at which B is better."""
    lost: int
    low: float
    """Where B - A lies with 95 % confidence."""
    high: float
    p_value: float

    @property
    def difference(self) -> float:
        """B - A, from -1 to 1."""
        return self.b.share - self.a.share


@dataclass(frozen=True, slots=True)
class Change:
    """A question at which the two differ."""

    question: str
    better: bool
    """Whether B is."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that was told."""

    a: str
    b: str
    protocol: str | None
    """None for programs."""
    whole: Pair
    subjects: tuple[Pair, ...]
    changes: tuple[Change, ...]


def read_comparison(found: Mapping[str, Any]) -> Comparison:
    """The comparison in what the command printed."""
    subjects = tuple(_pair(name.replace("_", " "), one) for name, one in found["subjects"].items())
    changes = sorted((_change(one) for one in found["changed"]), key=lambda one: not one.better)
    whole = _pair("all questions", found["whole"])
    return Comparison(found["a"], found["b"], found["protocol"], whole, subjects, tuple(changes))


def verdict(whole: Pair) -> str:
    """Which one is better, as far as that is shown."""
    if whole.p_value >= _UNLIKELY:
        return "No difference is shown."
    return "B is better." if whole.difference > 0 else "B is worse."


def in_words(comparison: Comparison) -> Iterator[str]:
    """What is to be known of a comparison, in sentences."""
    whole = comparison.whole
    yield (
        f"B - A is {points(whole.difference)} points; with 95 % confidence it lies between"
        f" {points(whole.low)} and {points(whole.high)}."
    )
    test = "McNemar's test" if comparison.protocol else "paired test"
    chance = (
        f"If the two were equally good, so great a difference would come {_often(whole.p_value)}"
    )
    yield f"{chance} (p = {whole.p_value:.2g}, {test})."
    yield f"B is better at {_count(whole.gained)}, and worse at {_count(whole.lost)}."


def points(share: float) -> str:
    """A difference in points."""
    return f"{100 * share:+z.1f}"


def _often(p_value: float) -> str:
    """How often something happens, in words."""
    if p_value >= 0.995:
        return "always"
    if p_value < 0.001:
        return "less than once in a thousand times"
    of, name = (1000, "thousand") if p_value < 0.01 else (100, "hundred")
    times = round(of * p_value)
    return f"once in a {name} times" if times == 1 else f"{times} times in a {name}"


def _count(questions: int) -> str:
    return f"{questions:,} question{'s' if questions != 1 else ''}"


def _pair(name: str, one: Mapping[str, Any]) -> Pair:
    a, b = one["a"], one["b"]
    return Pair(
        name,
        Side(a["accuracy"], a["stderr"]),
        Side(b["accuracy"], b["stderr"]),
        one["gained"],
        one["lost"],
        one["low"],
        one["high"],
        one["p_value"],
    )


def _change(one: Mapping[str, Any]) -> Change:
    subject, question = one["subject"], one["question"]
    # Subjects count their questions from 0, people from 1.
    name = f"{subject.replace('_', ' ')} {int(question) + 1}" if subject else question
    return Change(name, one["b"] > one["a"])
