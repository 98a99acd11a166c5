"""What exactly was measured: fingerprints of files and of what was asked."""

import hashlib
import json
from pathlib import Path
from typing import Any


def of_files(folder: Path, *patterns: str) -> str | None:
    """The SHA-256 of the files of a folder that match, with their names; None where none does.

    All bytes are read, as a damaged weight anywhere is another model.
    """
    files = sorted({file for pattern in patterns for file in folder.glob(pattern)})
    if not files:
        return None
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            own = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{file.name} {own}\n".encode())
    return digest.hexdigest()


def of_value(value: Any) -> str:
    """The SHA-256 of what JSON can hold, however its keys are ordered."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
