"""A run's folder: everything that belongs to one training, so that it can be gone on with."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assistant import paths
from assistant.errors import UsageError
from assistant.locking import alone
from assistant_finetune.training.checkpoints import Checkpoints
from assistant_finetune.training.recipes import read_settings
from assistant_finetune.training.settings import Settings

SETTINGS_FILE = "settings.toml"
METRICS_FILE = "metrics.jsonl"
REPORT_FILE = "report.html"
ADAPTER = "adapter"
MODEL = "model"
_LOCK_FILE = ".lock"
_PROCESS_FILE = ".process"
"""The number of the process that holds the lock."""
_PATIENCE = 1.0
"""Seconds in which whoever only looks whether a run is under way lets go of its lock."""


class RunFolder:
    """The folder of a run, by the run's name: see `runs_of`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.path = paths.runs_dir() / name
        self.checkpoints = Checkpoints(self.path / "checkpoints")

    @property
    def result(self) -> Path | None:
        """The adapter or the model that it made, or None while it is under way."""
        found = [self.path / kind for kind in (ADAPTER, MODEL) if (self.path / kind).is_dir()]
        return found[0] if found else None

    def create(self, settings: Settings) -> None:
        """Make the folder, which must not be there."""
        self.path.mkdir(parents=True, mode=0o700)
        paths.write_atomically(self.path / SETTINGS_FILE, as_toml(settings), mode=0o600)

    def settings(self) -> Settings:
        """What the run was told. Raises UsageError where there is no such run."""
        file = self.path / SETTINGS_FILE
        if not file.exists():
            known = ", ".join(sorted(p.name for p in paths.runs_dir().glob("*"))) or "none"
            raise UsageError(f"no run is called {self.name}: there are {known}")
        return read_settings({}, file=file)

    def change(self, settings: Settings) -> None:
        """Keep changed settings, with which the run goes on."""
        paths.write_atomically(self.path / SETTINGS_FILE, as_toml(settings), mode=0o600)

    @property
    def is_under_way(self) -> bool:
        """Whether a process trains it now."""
        try:
            with self._alone():
                return False
        except UsageError:
            return True

    @property
    def process(self) -> int | None:
        """The number of the process that trains it now, or None where there is none."""
        if not self.is_under_way:
            return None
        try:
            return int((self.path / _PROCESS_FILE).read_text("ascii"))
        except (OSError, ValueError):  # it has only just begun
            return None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """For one process at a time. Raises UsageError when another one has it."""
        with self._alone(_PATIENCE):
            paths.write_atomically(self.path / _PROCESS_FILE, f"{os.getpid()}\n", mode=0o600)
            try:
                yield
            finally:
                (self.path / _PROCESS_FILE).unlink(missing_ok=True)

    @contextmanager
    def _alone(self, patience: float = 0.0) -> Iterator[None]:
        taken = UsageError(f"the run {self.name} is under way in another process")
        with alone(self.path / _LOCK_FILE, taken, patience):
            yield


def runs_of(name: str) -> list[RunFolder]:
    """The runs that trained the adapter of that name, or were to, the first one first.

    The first has the adapter's name, the second one that ends in `@2`, and so on.
    """
    pattern = re.compile(re.escape(name) + r"(?:@(\d+))?")
    folder = paths.runs_dir()
    found = [pattern.fullmatch(path.name) for path in folder.iterdir()] if folder.exists() else []
    numbers = sorted((int(match[1] or 1), match[0]) for match in found if match is not None)
    return [RunFolder(run) for _, run in numbers]


def next_run(name: str) -> RunFolder:
    """The run in which an adapter is to be trained, perhaps once more.

    Raises UsageError where the last one has not come to its end, or made a model.
    """
    runs = runs_of(name)
    if not runs:
        return RunFolder(name)
    if runs[-1].result is None:
        raise UsageError(
            f"there is a run called {name} already: go on with it by --resume {name},"
            " or choose another --name"
        )
    if runs[-1].result.name == MODEL:
        raise UsageError(f"{runs[-1].result} is a model of that name: choose another --name")
    number = int(runs[-1].name.rpartition("@")[2]) if "@" in runs[-1].name else 1
    return RunFolder(f"{name}@{number + 1}")


def last_run(name: str) -> RunFolder:
    """The run of that name, or the last one of the adapter of that name."""
    runs = runs_of(name)
    return runs[-1] if runs else RunFolder(name)


def all_runs() -> list[RunFolder]:
    """Every run of this machine, by name."""
    files = paths.runs_dir().glob(f"*/{SETTINGS_FILE}")
    return [RunFolder(name) for name in sorted(file.parent.name for file in files)]


def as_toml(settings: Settings) -> str:
    """Settings in the form in which they can be read again; what is not chosen is left out."""
    lines = [
        f"{name} = {_toml(value)}"
        for name, value in settings.model_dump().items()
        if value is not None
    ]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    # JSON's strings, numbers and truth values are TOML's, too, but for what is no ASCII: kept.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
