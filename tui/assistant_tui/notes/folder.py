"""A folder of notes: what is in it, and new, renamed and deleted notes.

Deleted notes go to a trash in the state folder, each beside the place that it came from.
"""

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from assistant.paths import state_dir, write_atomically
from assistant_tui.controls import is_harmless
from assistant_tui.notes.note_file import SUFFIXES, NoteError

_ORIGIN = "origin.json"


@dataclass(frozen=True, slots=True)
class Listing:
    """The notes of a folder and the folders in it, as paths inside it, in order."""

    notes: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trashed:
    """A note that was deleted, and where it is now."""

    origin: Path
    place: Path


def scan(root: Path) -> Listing:
    """All notes below `root`; hidden ones, links to folders, and names with control
    characters are left out.

    Folders that cannot be read count as empty. Raises NoteError where `root` itself cannot be.
    """
    notes: list[str] = []
    folders: list[str] = []
    _scan(root, "", notes, folders)
    return Listing(tuple(sorted(notes, key=_order)), tuple(sorted(folders, key=_order)))


def create_note(root: Path, name: str) -> Path:
    """An empty note of that name, in folders that are made where they are missing.

    Raises NoteError.
    """
    path = _inside(root, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("x").close()
    except FileExistsError as error:
        raise NoteError(f"there is a note {name} already: choose another name") from error
    except OSError as error:
        raise NoteError(f"{name} cannot be made: {error.strerror}") from error
    return path


def rename_note(root: Path, path: Path, name: str) -> Path:
    """The note's new path. Raises NoteError, also where the name is taken."""
    target = _inside(root, name)
    if target == path:
        return path
    try:
        if target.exists() and not target.samefile(path):
            raise NoteError(f"there is a note {name} already: choose another name")
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(path, target)
    except OSError as error:
        raise NoteError(f"{path.name} cannot be renamed: {error.strerror}") from error
    return target


def trash_note(path: Path) -> Trashed:
    """Move a note to the trash. Raises NoteError."""
    place = _trash() / f"{time.time_ns():020d}" / path.name
    try:
        place.parent.mkdir(mode=0o700, parents=True)
        origin = json.dumps({"origin": str(path.absolute())})
        write_atomically(place.parent / _ORIGIN, origin, mode=0o600)
        shutil.move(path, place)
    except OSError as error:
        raise NoteError(f"{path.name} cannot be deleted: {error.strerror}") from error
    return Trashed(path, place)


def last_trashed() -> Trashed | None:
    """The note that was deleted last and is in the trash still."""
    try:
        for folder in sorted(_trash().iterdir(), reverse=True):
            place = next((one for one in folder.iterdir() if one.name != _ORIGIN), None)
            if place is not None:
                origin = json.loads((folder / _ORIGIN).read_text(encoding="utf-8"))["origin"]
                return Trashed(Path(origin), place)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def restore_note(trashed: Trashed) -> Path:
    """Bring a note back to its place. Raises NoteError, also where another note is there now."""
    if trashed.origin.exists():
        raise NoteError(f"there is a note {trashed.origin.name} again: rename that one first")
    try:
        trashed.origin.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(trashed.place, trashed.origin)
        shutil.rmtree(trashed.place.parent)
    except OSError as error:
        raise NoteError(f"{trashed.origin.name} cannot be restored: {error.strerror}") from error
    return trashed.origin


def title_of(note: str) -> str:
    """What a note is called: the name of its file without the usual ending."""
    name = PurePosixPath(note).name
    return name.removesuffix(".md") or name


def _scan(root: Path, inside: str, notes: list[str], folders: list[str]) -> None:
    try:
        with os.scandir(root / inside) as entries:
            found = list(entries)
    except OSError as error:
        if not inside:
            raise NoteError(f"{root} cannot be read: {error.strerror}") from error
        return
    for entry in found:
        if entry.name.startswith(".") or not is_harmless(entry.name):
            continue
        path = f"{inside}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            folders.append(path)
            _scan(root, f"{path}/", notes, folders)
        elif entry.name.lower().endswith(SUFFIXES):
            notes.append(path)


def _order(path: str) -> list[str]:
    """Folders before the notes beside them, letters without their case."""
    *folders, name = path.casefold().split("/")
    return [*(f"\0{folder}" for folder in folders), name]


def _inside(root: Path, name: str) -> Path:
    name = name.strip()
    pure = PurePosixPath(name)
    if not name.strip("/.") or pure.is_absolute() or ".." in pure.parts or not is_harmless(name):
        raise NoteError("a note needs a name inside this folder, such as ideas/today")
    if any(part.startswith(".") for part in pure.parts):
        raise NoteError("names with a dot at their begin are hidden: choose another one")
    return root / (name if name.lower().endswith(SUFFIXES) else f"{name}.md")


def _trash() -> Path:
    return state_dir() / "trash"
