"""The record as JSON, one suggestion to a line."""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assistant.history.rows import Suggestion


def as_fields(suggestion: Suggestion) -> dict[str, Any]:
    """All that is known of a suggestion, as JSON writes it."""
    fields = asdict(suggestion)
    fate = fields.pop("fate")
    first = {"id": fields.pop("id"), "time": fields.pop("time").isoformat()}
    return {**first, **fields, **fate, "kept": suggestion.fate.kept}


def lines(suggestions: Iterable[Suggestion]) -> Iterator[str]:
    """One line of JSON for each, with its line end."""
    for suggestion in suggestions:
        yield json.dumps(as_fields(suggestion), ensure_ascii=False) + "\n"


def write(lines: Iterable[str], file: Path) -> int:
    """Write a file that only its owner can read, whole or not at all; returns how many lines.

    Raises OSError as writing does, and what making the lines raises.
    """
    written = 0
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            for line in lines:
                stream.write(line)
                written += 1
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return written
