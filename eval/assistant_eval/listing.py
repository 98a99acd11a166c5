"""The evaluations that are kept on this machine, with what people ask of a list of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from assistant import paths
from assistant.errors import UsageError
from assistant_eval.continuing import CIRCUMSTANCES
from assistant_eval.runs import PASSPORT_FILE, REPORT_FILE, Run

State = Literal["whole", "under way", "interrupted"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the figures that a run is known for."""

    name: str
    """A protocol of MMLU, `pass@1`, a model with a kind of place, or a task with its measure."""
    value: float
    """From 0 to 1, but for tasks of the harness, whose measures have their own scales."""
    error: float | None
    """One standard error, where it is known."""
    questions: int | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One evaluation."""

    name: str
    """Of its folder, by which `assistant eval compare` finds it."""
    path: Path
    evaluation: str
    """`mmlu`, `code`, `completion` or `harness`."""
    model: str
    adapter: str | None
    quantization: str
    began: datetime
    state: State
    process: int | None
    """The id of the process that is at it."""
    answered: int
    asked: int | None
    """How many answers it is to have; None for the harness, whose tasks say so while they run."""
    shots: int | None
    figures: tuple[Figure, ...]
    """None before it is whole."""
    report: Path | None
    command: tuple[str, ...] | None
    """The arguments of `assistant` that go on with it; None where it was begun by a version that
    did not note them."""


def listed(folder: Path | None = None) -> list[Listed]:
    """The evaluations in a folder, by default those of this machine, the newest first.

    What is no evaluation, or one that cannot be read, is passed over.
    """
    found = []
    for entry in (folder or paths.evaluations_dir()).glob(f"*/{PASSPORT_FILE}"):
        try:
            found.append(_read(Run(entry.parent)))
        except (OSError, UsageError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return sorted(found, key=lambda one: (one.began, one.name), reverse=True)


def _read(run: Run) -> Listed:
    passport = run.passport() or {}
    kind, model = passport["evaluation"], passport["model"]
    # Whether somebody works at it comes first: it may end between the two looks.
    process = run.process()
    scores = run.scores()
    report = run.path / REPORT_FILE
    circumstances = passport.get(CIRCUMSTANCES, {})
    command = circumstances.get("command")
    return Listed(
        name=run.path.name,
        path=run.path,
        evaluation=kind,
        model=model["name"],
        adapter=model["adapter"],
        quantization=model["quantization"],
        began=datetime.fromtimestamp((run.path / PASSPORT_FILE).stat().st_mtime, UTC),
        state="under way" if process else "interrupted" if scores is None else "whole",
        process=process,
        answered=run.count_answers(),
        asked=_asked(passport),
        shots=passport.get("shots"),
        figures=() if scores is None else tuple(_FIGURES[kind](scores)),
        report=report if report.is_file() else None,
        command=None if command is None else (*command, "--output", str(run.path)),
    )


def _asked(passport: Mapping[str, Any]) -> int | None:
    data = passport.get("data", {})
    match passport["evaluation"]:
        case "mmlu":
            return int(data["questions"]) * len(passport["protocols"])
        case "code":
            return int(data["questions"]) * int(passport["samples"])
        case "completion":
            models = 1 if passport["model"]["adapter"] is None else 2  # its base as well
            return models * sum(map(int, data["places"].values()))
        case _:
            return None


def _mmlu(scores: Sequence[Mapping[str, Any]]) -> list[Figure]:
    names = [one["protocol"] for one in scores]
    return [
        _score(
            f"{one['protocol']} {one['measure']}"
            if names.count(one["protocol"]) > 1
            else one["protocol"],
            one["micro"],
        )
        for one in scores
    ]


def _code(scores: Mapping[str, Any]) -> list[Figure]:
    return [_score(f"pass@{tries}", one) for tries, one in scores["pass_at"].items()]


def _completion(scores: Sequence[Mapping[str, Any]]) -> list[Figure]:
    return [_score(f"{one['model']} {one['kind']}", one["figures"]["right"]) for one in scores]


def _harness(scores: Sequence[Mapping[str, Any]]) -> list[Figure]:
    return [
        Figure(f"{one['task']} {one['metric']}", one["value"], one["error"], one["questions"])
        for one in scores
    ]


_FIGURES: Mapping[str, Callable[[Any], list[Figure]]] = {
    "mmlu": _mmlu,
    "code": _code,
    "completion": _completion,
    "harness": _harness,
}


def _score(name: str, score: Mapping[str, Any]) -> Figure:
    return Figure(name, score["accuracy"], score["stderr"], score["questions"])
