"""Training runs as the command line tells of them, and what they write of themselves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from assistant.paths import identity_of, log_dir
from assistant_tui.command_line import answer_of

State = Literal["under way", "interrupted", "done"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as it was when the command was asked."""

    name: str
    adapter: str
    base: str
    data: tuple[str, ...]
    state: State
    process: int | None
    """The process that trains it."""
    step: int
    steps: int | None
    """None until the data is counted."""
    loss: float | None
    changed: datetime
    """When it gave its last sign of life."""
    folder: Path
    metrics: Path
    report: Path
    result: str | None
    """`adapter` or `model`, once it is done."""

    @property
    def log(self) -> Path:
        """What its process has said, if it was begun here."""
        return log_of(self.adapter)


def log_of(adapter: str) -> Path:
    """Where the process that trains an adapter writes what it says."""
    return log_dir() / f"training-{adapter}.log"


async def all_runs() -> tuple[Run, ...]:
    """All runs of this machine, the newest first. Raises AssistantError."""
    return tuple(map(run_of, await answer_of("finetune", "--runs")))


def run_of(told: Mapping[str, Any]) -> Run:
    """A run by the fields that the command tells."""
    known = {one.name: told[one.name] for one in fields(Run)}
    paths = {name: Path(told[name]) for name in ("folder", "metrics", "report")}
    changed = datetime.fromisoformat(told["changed"])
    return Run(**{**known, **paths, "data": tuple(told["data"]), "changed": changed})


@dataclass(frozen=True, slots=True)
class Measured:
    """One line of a run's `metrics.jsonl`."""

    step: int
    steps: int
    seconds: float = 0.0
    loss: float | None = None
    held_out_loss: float | None = None
    learning_rate: float | None = None
    learned_per_second: float | None = None
    memory_bytes: float | None = None
    seconds_left: float | None = None


_KNOWN = tuple(one.name for one in fields(Measured))


class Measurements:
    """All that a run has measured so far; a look reads no more than what is new."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._identity: tuple[int, int] | None = None
        self._place = 0
        self._found: tuple[Measured, ...] = ()

    def look(self) -> tuple[Measured, ...]:
        """What there is now; a line that is still being written comes the next time."""
        identity = identity_of(self._file)
        if identity != self._identity:  # a run that goes on writes its file anew
            self._identity, self._place, self._found = identity, 0, ()
        if identity is None:
            return self._found
        with self._file.open("rb") as file:
            file.seek(self._place)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._place += len(whole)
        if whole:
            found = (_measured(line) for line in whole.splitlines())
            self._found += tuple(one for one in found if one is not None)
        return self._found


def _measured(line: bytes) -> Measured | None:
    """What a line says; None for one that another process broke off."""
    try:
        told = json.loads(line)
        return Measured(**{name: told[name] for name in _KNOWN if name in told})
    except (ValueError, TypeError):
        return None
