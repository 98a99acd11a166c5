"""The evaluations of this machine, as `assistant eval list --json` tells them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from assistant.paths import evaluations_dir

_TELLING = ("passport.json", ".process", "scores.json")
"""Files that are written when a run's state changes."""


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation."""

    name: str
    path: Path
    evaluation: str
    model: str
    """With its adapter, and how it is loaded where that is not as it is stored."""
    began: datetime
    state: str
    """`whole`, `under way` or `interrupted`."""
    process: int | None
    answered: int
    asked: int | None
    shots: int | None
    protocols: tuple[str, ...]
    """Of MMLU."""
    headline: str
    """Its first figure as people read it; empty before there is one."""
    report: Path | None
    command: tuple[str, ...] | None
    """What goes on with it."""

    @property
    def is_whole(self) -> bool:
        """Whether it has its scores."""
        return self.state == "whole"

    @property
    def share(self) -> float | None:
        """How much of it is answered, from 0 to 1; None where nobody knows."""
        return self.answered / self.asked if self.asked else None


def read_runs(rows: Sequence[Mapping[str, Any]]) -> list[Run]:
    """The runs of a list."""
    return [_read(row) for row in rows]


def answers_in(folder: Path) -> int:
    """How many answers there are by now in a run's folder."""
    try:
        return sum(file.read_bytes().count(b"\n") for file in folder.glob("answers*.jsonl"))
    except OSError:
        return 0


def changed_since(time: float) -> bool:
    """Whether a run has begun, was gone on with, or came to its end since then."""
    for folder in evaluations_dir().glob("*/"):
        for name in _TELLING:
            with suppress(OSError):
                if (folder / name).stat().st_mtime > time:
                    return True
    return False


def named(model: str, adapter: str | None, quantization: str) -> str:
    """A model as the command line takes it: NAME+ADAPTER@QUANTIZATION."""
    loaded = "" if quantization == "none" else f"@{quantization}"
    return f"{model}+{adapter}{loaded}" if adapter else f"{model}{loaded}"


def _read(row: Mapping[str, Any]) -> Run:
    report, command = row["report"], row["command"]
    return Run(
        name=row["name"],
        path=Path(row["path"]),
        evaluation=row["evaluation"],
        model=named(row["model"], row["adapter"], row["quantization"]),
        began=datetime.fromisoformat(row["began"]),
        state=row["state"],
        process=row["process"],
        answered=row["answered"],
        asked=row["asked"],
        shots=row["shots"],
        protocols=tuple(dict.fromkeys(one["name"].partition(" ")[0] for one in row["figures"])),
        headline=_headline(row),
        report=None if report is None else Path(report),
        command=None if command is None else tuple(command),
    )


def _headline(row: Mapping[str, Any]) -> str:
    if not row["figures"]:
        return ""
    first = row["figures"][0]
    if row["evaluation"] == "harness":  # whose measures have scales of their own
        return f"{first['value']:.3f}"
    error = "" if first["error"] is None else f" ± {100 * first['error']:.1f}"
    return f"{100 * first['value']:.1f}{error}"
