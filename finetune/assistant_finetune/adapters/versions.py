"""An adapter that is trained again keeps the one before, which can be brought back.

The one before stands in `.former` in the adapters folder, where servers do not look for names.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from assistant import paths
from assistant.errors import UsageError
from assistant.registry import PARTIAL
from assistant_finetune.adapters.exchange import exchange

NOTE_FILE = "trained.json"
"""See `assistant.engine.trained_for`, which is not imported: it brings PyTorch."""


def former(name: str) -> Path:
    """Where the adapter of that name that was in place before stands, if there is one."""
    return paths.adapters_dir() / ".former" / name


def install(folder: Path, name: str) -> Path:
    """Copy an adapter to where servers find it by its name: all of it at once.

    One that has the name already becomes the former one; the former one until then is deleted. One
    that the same run has installed, which was killed before it could note that, is only replaced.
    """
    target = paths.adapters_dir() / name
    paths.adapters_dir().mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix=".", suffix=PARTIAL))
    try:
        copied = unfinished / name
        shutil.copytree(folder, copied)
        if target.exists():
            exchange(target, copied)
            if not _are_of_one_run(target, copied):
                _keep(copied, former(name))
        else:
            os.replace(copied, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return target


def rollback(name: str) -> None:
    """Bring the former adapter of a name back; the present one becomes the former one.

    Servers take it with the next request. Raises UsageError where there is none.
    """
    if not former(name).is_dir():
        raise UsageError(f"there is no former {name}: one is kept when a name is trained again")
    exchange(paths.adapters_dir() / name, former(name))


def note_of(folder: Path) -> dict[str, Any]:
    """What is noted of an adapter's training; empty where nothing is."""
    try:
        note = json.loads((folder / NOTE_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _are_of_one_run(first: Path, second: Path) -> bool:
    run = note_of(first).get("run")
    return run is not None and run == note_of(second).get("run")


def _keep(folder: Path, place: Path) -> None:
    """Put a folder in its place; what was there before takes the folder's."""
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        exchange(place, folder)
    else:
        os.replace(folder, place)
