"""A run's folder: everything that belongs to one training, so that it can be gone on with."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from assistant import paths
from assistant.errors import UsageError
from assistant.registry import PARTIAL
from assistant_finetune.training.checkpoints import Checkpoints
from assistant_finetune.training.recipes import read_settings
from assistant_finetune.training.settings import Settings

SETTINGS_FILE = "settings.toml"
METRICS_FILE = "metrics.jsonl"
REPORT_FILE = "report.html"
ADAPTER = "adapter"
MODEL = "model"


class RunFolder:
    """The folder of a run, by the run's name, which is the adapter's too."""

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
        """Make the folder. Raises UsageError where there is one already."""
        if self.path.exists():
            raise UsageError(
                f"there is a run called {self.name} already: go on with it by --resume {self.name},"
                " or choose another --name"
            )
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

    @contextmanager
    def locked(self) -> Iterator[None]:
        """For one process at a time. Raises UsageError when another one has it."""
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise UsageError(f"the run {self.name} is under way in another process") from error
        try:
            yield
        finally:
            lock.release()


def install(folder: Path, name: str) -> Path:
    """Copy an adapter to where servers find it by its name: all of it at once."""
    target = paths.adapters_dir() / name
    paths.adapters_dir().mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=".", suffix=PARTIAL))
    try:
        copied = unfinished / name
        shutil.copytree(folder, copied)
        if target.exists():
            os.replace(target, unfinished / "old")
        os.replace(copied, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


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
