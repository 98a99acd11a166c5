"""What happened to data on its way in: what was refused, and what was changed.

Nothing is dropped in silence: whoever leaves something out says so here.
"""

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from assistant.errors import AssistantError
from assistant_finetune.data.origin import Origin

_SHOWN = 5
"""So many refused records are named on the terminal; the file names all of them."""


class DataError(AssistantError):
    """Data that nothing can be learned from, or that cannot be read at all."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is left out, because it is broken or useless."""

    origin: Origin
    reason: str
    """In words, without the user's text in it."""
    text: str = ""
    """The record as it stood in its file."""
    kind: str = ""
    """What to count it under; empty: its reason."""


@dataclass(frozen=True, slots=True)
class Changed:
    """An example that is not learned as it stood, or not at all."""

    origin: Origin
    what: str
    """What was done, the same words each time it is done."""
    detail: str = ""


class Journal:
    """Counts what happened, and remembers the first few records that were refused."""

    def __init__(self) -> None:
        self.rejected: Counter[str] = Counter()
        """How many records were refused, by reason."""
        self.changed: Counter[str] = Counter()
        """How many examples were changed, by what was done."""
        self.first: list[Rejected] = []

    def reject(self, rejected: Rejected) -> None:
        """Note a record that is left out."""
        self.rejected[rejected.kind or rejected.reason] += 1
        if len(self.first) < _SHOWN:
            self.first.append(rejected)

    def change(self, changed: Changed) -> None:
        """Note a change."""
        self.changed[changed.what] += 1

    @property
    def summary(self) -> list[str]:
        """Lines for a person, the most frequent first."""
        lines = [f"refused {one.origin}: {one.reason}" for one in self.first]
        more = self.rejected.total() - len(self.first)
        if more > 0:
            lines.append(f"refused {more} more")
        lines += [f"{what}: {count}" for what, count in self.changed.most_common()]
        return lines


class FileJournal(Journal):
    """A journal that also writes everything down, in files that only their owner can read."""

    def __init__(self, rejects: Path, changes: Path) -> None:
        """Both files are made when there is something to write. Methods raise OSError."""
        super().__init__()
        self._paths = {"rejects": rejects, "changes": changes}
        self._files: dict[str, TextIO] = {}
        for path in self._paths.values():
            path.unlink(missing_ok=True)

    def reject(self, rejected: Rejected) -> None:
        """Note a record that is left out, and keep its text."""
        super().reject(rejected)
        origin = rejected.origin
        fields = {"file": origin.source, "line": origin.line, "reason": rejected.reason}
        part = {"part": origin.part} if origin.part else {}
        self._write("rejects", {**fields, **part, "text": rejected.text})

    def change(self, changed: Changed) -> None:
        """Note a change."""
        super().change(changed)
        fields = {"origin": str(changed.origin), "change": changed.what, "detail": changed.detail}
        self._write("changes", fields)

    def close(self) -> None:
        """Finish both files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _write(self, name: str, fields: dict[str, Any]) -> None:
        if name not in self._files:
            self._files[name] = private_file(self._paths[name])
        line = json.dumps(fields, ensure_ascii=False)
        # Bytes that are no UTF-8, and half surrogates, are kept as they are.
        self._files[name].write(line + "\n")


def private_file(path: Path) -> TextIO:
    """A new file for text that only its owner can read. Raises OSError."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="")
