"""What could not be saved where it belongs, kept in the state folder until it can.

A draft holds the text and what it was made from, so that it can be merged with a file that has
changed since. Only its owner can read it.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from assistant.paths import state_dir, write_atomically


@dataclass(frozen=True, slots=True)
class Draft:
    """A text for a note, and the text of the file that it was made from."""

    path: str
    base: str
    text: str


def keep_draft(path: Path, base: str, text: str) -> None:
    """Raises OSError as writing does."""
    file = _file(path)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = json.dumps(asdict(Draft(str(path), base, text)))
    write_atomically(file, content, mode=0o600)


def find_draft(path: Path) -> Draft | None:
    """The draft that was kept for a note, if it can be read."""
    try:
        return Draft(**json.loads(_file(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def drop_draft(path: Path) -> None:
    """The text is where it belongs; nothing of it is kept here any more."""
    with suppress(OSError):
        _file(path).unlink(missing_ok=True)


def _file(path: Path) -> Path:
    name = hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogateescape")).hexdigest()
    return state_dir() / "drafts" / f"{name[:32]}.json"
