"""The adapters in the adapters folder, with what is noted of their training."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import paths
from assistant.errors import ModelNotFoundError, UsageError
from assistant.registry import LocalAdapter, adapter_named, adapters

NOTE_FILE = "trained.json"
"""See `assistant.engine.trained_for`, which is not imported: it brings PyTorch."""


@dataclass(frozen=True, slots=True)
class Installed:
    """An adapter that servers find by its name."""

    name: str
    folder: Path
    base: str
    """The base's name or folder; may be empty where an adapter from elsewhere says none."""
    quantization: str | None
    """What it was trained on: `nf4`, `gptq` or `none`; None where nothing is noted."""
    examples: int | None
    nbytes: int


def installed() -> list[Installed]:
    """All of them, by name."""
    return [_described(one) for one in adapters()]


def find(name: str) -> Installed:
    """The one of that name. Raises ModelNotFoundError that names those there are."""
    try:
        return _described(adapter_named(name))
    except ModelNotFoundError as error:
        known = ", ".join(one.name for one in adapters()) or "none"
        raise ModelNotFoundError(f"there is no adapter {name}: there are {known}") from error


def remove(name: str, used: str | None) -> int:
    """Delete an adapter and the run that made it; returns the bytes that are freed.

    `used` is the name of the one that the settings name. Raises UsageError for that, and
    ModelNotFoundError.
    """
    adapter = find(name)
    if adapter.name == used:
        raise UsageError(f"{name} is in use: say `assistant adapters use --none` first")
    freed = adapter.nbytes
    shutil.rmtree(adapter.folder)
    run = paths.runs_dir() / name
    if run.is_dir():
        freed += sum(file.lstat().st_size for file in run.rglob("*") if file.is_file())
        shutil.rmtree(run)
    return freed


def _described(local: LocalAdapter) -> Installed:
    note = _note(local.folder)
    files = (file for file in local.folder.rglob("*") if file.is_file())
    return Installed(
        name=local.name,
        folder=local.folder,
        base=local.base,
        quantization=note.get("quantization"),
        examples=note.get("examples"),
        nbytes=sum(file.lstat().st_size for file in files),
    )


def _note(folder: Path) -> dict[str, Any]:
    try:
        note = json.loads((folder / NOTE_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
