"""What the interface remembers between its starts. Losing it costs nobody anything."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from assistant.paths import state_dir, write_atomically


@dataclass(frozen=True, slots=True)
class Remembered:
    """How it looked when it was left."""

    folder: str = ""
    note: str = ""
    """Inside the folder; empty for none."""
    theme: str = ""
    """Empty for the one that fits the terminal."""
    tree: bool = True
    preview: bool = False
    suggestions: str = ""
    """`on` or `off`; empty for what fits the model."""


def recall() -> Remembered:
    """What was remembered; what cannot be read counts as nothing."""
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
        known = {part.name: type(part.default) for part in fields(Remembered)}
        sound: dict[str, Any] = {k: v for k, v in found.items() if isinstance(v, known.get(k, ()))}
        return Remembered(**sound)
    except (OSError, ValueError, AttributeError):
        return Remembered()


def remember(state: Remembered) -> None:
    """Write it down, where that is possible."""
    with suppress(OSError):
        write_atomically(_file(), json.dumps(asdict(state), indent=2) + "\n", mode=0o600)


def _file() -> Path:
    return state_dir() / "tui.json"
