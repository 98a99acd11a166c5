"""What came of a run, from the scores in its folder to the rows of a chart."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Order = Literal["score", "name"]

_SCORES_FILE = "scores.json"
_FOUR_LETTERS = 0.25


@dataclass(frozen=True, slots=True)
class Score:
    """One share of right answers."""

    name: str
    share: float
    """From 0 to 1."""
    error: float | None
    """One standard error."""
    told: str = ""
    """What else is to be said of it."""

    @property
    def percent(self) -> str:
        """As people read it."""
        error = "" if self.error is None else f" ±{100 * self.error:4.1f}"
        return f"{100 * self.share:5.1f}{error:7}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What came of a run under one protocol, or all of it where there are none."""

    title: str
    groups: tuple[tuple[str, tuple[Score, ...]], ...]
    """Scores that belong together, and what they are called."""
    chance: float | None = None
    """What guessing would have."""
    remark: str = ""

    def sorted_by(self, order: Order) -> "Sheet":
        """The same with the subjects, which are the last group, in another order."""
        if self.chance is None:
            return self
        *others, (name, subjects) = self.groups
        keys = {"score": lambda one: (-one.share, one.name), "name": lambda one: one.name}
        ordered = tuple(sorted(subjects, key=keys[order]))
        return Sheet(self.title, (*others, (name, ordered)), self.chance, self.remark)


def read_sheets(folder: Path, evaluation: str) -> tuple[Sheet, ...]:
    """The sheets of a run that is whole. Raises OSError, ValueError or LookupError."""
    scores = json.loads((folder / _SCORES_FILE).read_text(encoding="utf-8"))
    return tuple(_READERS[evaluation](scores))


def _mmlu(scores: Sequence[Mapping[str, Any]]) -> list[Sheet]:
    names = [one["protocol"] for one in scores]
    return [_protocol(one, several=names.count(one["protocol"]) > 1) for one in scores]


def _protocol(one: Mapping[str, Any], *, several: bool) -> Sheet:
    averages = (
        _score("micro (questions)", one["micro"]),
        _score("macro (subjects)", one["macro"]),
    )
    categories = tuple(_score(name, found) for name, found in one["categories"].items())
    subjects = tuple(
        _score(name.replace("_", " "), found) for name, found in one["subjects"].items()
    )
    title = f"{one['protocol']} {one['measure']}" if several else str(one["protocol"])
    missing = one["unanswered"]
    remark = f"{missing:,} questions were answered by no letter" if missing else ""
    groups = (("", averages), ("categories", categories), ("subjects", subjects))
    return Sheet(title, groups, _FOUR_LETTERS, remark)


def _code(scores: Mapping[str, Any]) -> list[Sheet]:
    tries = tuple(_score(f"pass@{count}", one) for count, one in scores["pass_at"].items())
    programs = sum(scores["kinds"].values())
    kinds = tuple(
        Score(kind, count / programs, None, f"{count:,}") for kind, count in scores["kinds"].items()
    )
    return [Sheet("programs", (("questions solved", tries), ("what came of programs", kinds)))]


def _completion(scores: Sequence[Mapping[str, Any]]) -> list[Sheet]:
    found = []
    for one in scores:
        figures = one["figures"]
        told = f"saved {figures['saved']:.1f}, {figures['milliseconds']:.0f} ms"
        right = figures["right"]
        found.append(
            Score(f"{one['model']}, {one['kind']}", right["accuracy"], right["stderr"], told)
        )
    return [Sheet("completion", (("exactly right", tuple(found)),))]


def _harness(scores: Sequence[Mapping[str, Any]]) -> list[Sheet]:
    shares, others = [], []
    for one in scores:
        name, value = f"{one['task']} {one['metric']}", one["value"]
        if 0 <= value <= 1:
            shares.append(Score(name, value, one["error"]))
        else:
            others.append(f"{name}: {value:.4g}")
    return [Sheet("tasks", (("", tuple(shares)),), remark="; ".join(others))]


_READERS: Mapping[str, Callable[[Any], list[Sheet]]] = {
    "mmlu": _mmlu,
    "code": _code,
    "completion": _completion,
    "harness": _harness,
}


def _score(name: str, found: Mapping[str, Any]) -> Score:
    return Score(name, found["accuracy"], found["stderr"])
