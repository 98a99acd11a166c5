"""An evaluation's folder: what it is computed with, and each answer as soon as it is there.

Answers are kept in pieces, a line each, in an order that is the same every time. A process that
dies leaves whole pieces and perhaps a part of one, which is computed again: the file of a run that
was interrupted any number of times is, byte for byte, that of one that was not.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from assistant.errors import UsageError
from assistant.locking import alone
from assistant.paths import write_atomically

PASSPORT_FILE = "passport.json"
ANSWERS_FILE = "answers.jsonl"
SCORES_FILE = "scores.json"
REPORT_FILE = "report.html"
_LOCK_FILE = ".lock"
_PROCESS_FILE = ".process"
_MODE = 0o600


class Run:
    """The folder of one evaluation, which one process at a time may write to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, for this process alone. Raises UsageError when another one has it."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone():
            self.keep(_PROCESS_FILE, str(os.getpid()))
            yield

    def process(self) -> int | None:
        """The id of the process that writes to it right now; None where none does."""
        if not (self.path / _LOCK_FILE).exists():
            return None
        with suppress(UsageError), self._alone():
            return None
        try:
            return int((self.path / _PROCESS_FILE).read_text())
        except (OSError, ValueError):
            return None  # it begins just now

    def _alone(self) -> AbstractContextManager[None]:
        taken = UsageError(f"the evaluation in {self.path} is under way elsewhere")
        return alone(self.path / _LOCK_FILE, taken)

    def passport(self) -> dict[str, Any] | None:
        """What it is computed with, or None where it has not begun. Raises UsageError."""
        file = self.path / PASSPORT_FILE
        if not file.exists():
            if any(not entry.name.startswith(".") for entry in self.path.iterdir()):
                raise UsageError(f"{self.path} holds something else: give another --output")
            return None
        try:
            found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        except ValueError as error:
            raise UsageError(
                f"{file} is damaged: delete the folder, or give another --output"
            ) from error
        return found

    def begin(self, passport: Mapping[str, Any]) -> None:
        """Write the passport, with which the evaluation begins."""
        self.keep_value(PASSPORT_FILE, passport)

    def pieces(self, sizes: Sequence[int], name: str = ANSWERS_FILE) -> int:
        """How many whole pieces there are, by the lines of each; what is behind them is cut off."""
        file = self.path / name
        if not file.exists():
            return 0
        data = file.read_bytes()
        ends = [found.end() for found in re.finditer(b"\n", data)]
        whole = lines = 0
        for size in sizes:
            if lines + size > len(ends):
                break
            whole, lines = whole + 1, lines + size
        end = ends[lines - 1] if lines else 0
        if end < len(data):
            os.truncate(file, end)
        return whole

    @contextmanager
    def writing(self, name: str = ANSWERS_FILE) -> "Iterator[Pieces]":
        """Write further pieces."""
        file = self.path / name
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _MODE)
        try:
            yield Pieces(descriptor)
        finally:
            os.close(descriptor)

    def answers(self, name: str = ANSWERS_FILE) -> list[dict[str, Any]]:
        """All answers that are there."""
        file = self.path / name
        if not file.exists():
            return []
        with file.open(encoding="utf-8", newline="\n") as lines:
            return [json.loads(line) for line in lines]

    def count_answers(self) -> int:
        """How many answers are there, in all files of them."""
        return sum(file.read_bytes().count(b"\n") for file in self.path.glob("answers*.jsonl"))

    def scores(self) -> Any:
        """What came of it, as JSON holds it; None for a run that is not whole."""
        file = self.path / SCORES_FILE
        return json.loads(file.read_text("utf-8")) if file.exists() else None

    def keep(self, name: str, text: str) -> None:
        """Write a file of the folder, whole or not at all."""
        write_atomically(self.path / name, text, mode=_MODE)

    def keep_value(self, name: str, value: Any) -> None:
        """Write what JSON can hold, for people, too."""
        self.keep(name, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


class Pieces:
    """Where pieces are written to."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Add one piece; when this returns, it is on the disk."""
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        left = memoryview(text.encode())
        while left:
            left = left[os.write(self._descriptor, left) :]
        os.fsync(self._descriptor)


def differences(one: Mapping[str, Any], other: Mapping[str, Any], where: str = "") -> list[str]:
    """The names of everything in which two passports differ, such as `model.quantization`."""
    found = []
    for key in dict.fromkeys((*one, *other)):
        first, second = one.get(key), other.get(key)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            found += differences(first, second, f"{where}{key}.")
        elif first != second:
            found.append(where + key)
    return found
