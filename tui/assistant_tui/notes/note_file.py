"""A note on the disk: read whole or refused in words, written whole or not at all."""

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import AssistantError
from assistant.paths import write_atomically

LARGEST_BYTES = 2_000_000
"""More than any note that a person writes; what is larger is data, and slow to edit."""
SUFFIXES = (".md", ".markdown", ".txt")


class NoteError(AssistantError):
    """A note cannot be read, written, made, renamed or moved."""


class ChangedOutsideError(NoteError):
    """The file is not what it was when it was last read or written here."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when somebody else writes a file."""

    modified_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True)
class Note:
    """A file's text, byte by byte, and the stamp that it had then."""

    path: Path
    text: str
    stamp: Stamp


def stamp_of(path: Path) -> Stamp | None:
    """The file's stamp now, or None where there is no file. Raises NoteError."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NoteError(f"{path.name} cannot be read: {_reason(error)}") from error
    return Stamp(found.st_mtime_ns, found.st_size, found.st_ino)


def read_note(path: Path) -> Note:
    """Raises NoteError for what is no text, is too large, or cannot be read."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise NoteError(f"{path.name} is no file with text")
            if found.st_size > LARGEST_BYTES:
                raise NoteError(
                    f"{path.name} has {found.st_size / 1e6:.1f} MB: notes of up to"
                    f" {LARGEST_BYTES / 1e6:.0f} MB are opened here"
                )
            data = file.read()
    except OSError as error:
        raise NoteError(f"{path.name} cannot be read: {_reason(error)}") from error
    if b"\0" in data:
        raise NoteError(f"{path.name} is a binary file and is left alone")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoteError(
            f"{path.name} is not UTF-8 text (byte {error.start + 1}) and is left alone"
        ) from error
    return Note(path, text, Stamp(found.st_mtime_ns, found.st_size, found.st_ino))


def write_note(path: Path, text: str, known: Stamp | None) -> Note:
    """Write the text if the file still is the `known` one, or has gone.

    Raises ChangedOutsideError where somebody else wrote it, and NoteError where it cannot be
    written; the file is then as it was.
    """
    found = stamp_of(path)
    if found is not None and found != known:
        raise ChangedOutsideError(f"{path.name} was changed by another program")
    try:
        target = path.resolve()
        if found is not None and not os.access(target, os.W_OK):
            raise NoteError(f"{path.name} is read-only: make it writable (chmod u+w)")
        mode = stat.S_IMODE(target.stat().st_mode) if found is not None else 0o644
        write_atomically(target, text.encode("utf-8", "surrogatepass"), mode=mode)
        written = target.stat()
    except OSError as error:
        raise NoteError(f"{path.name} cannot be saved: {_reason(error)}") from error
    return Note(path, text, Stamp(written.st_mtime_ns, written.st_size, written.st_ino))


def _reason(error: OSError) -> str:
    """What is wrong and what to do, for the kinds of trouble that disks have."""
    advice = {
        "EACCES": "no permission",
        "EPERM": "no permission",
        "EROFS": "read-only disk",
        "ENOSPC": "disk full, make room on it",
        "EDQUOT": "your share of the disk is full",
        "EFBIG": "the file would be too large for the disk",
    }
    return advice.get(errno.errorcode.get(error.errno or 0, ""), error.strerror or str(error))
