"""The note that is open: what of it is on the disk, and what is done when that cannot be.

Everything that touches the disk runs in one thread, in order, and never in the event loop. A text
that cannot be saved in its place is kept as a draft; one that another program changed meanwhile is
merged with it where the changes do not touch each other.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from assistant_tui.notes.drafts import drop_draft, find_draft, keep_draft
from assistant_tui.notes.merge import merged
from assistant_tui.notes.note_file import (
    ChangedOutsideError,
    Note,
    NoteError,
    read_note,
    stamp_of,
    write_note,
)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Opened:
    """A note, and the text to edit, which is more than the file has where a draft was kept."""

    note: Note
    text: str
    restored: bool = False
    clash: Note | None = None
    """The file, where a draft cannot be merged with what it has become."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The file holds this text."""

    text: str
    merged: bool = False
    """Whether it is not what was to be saved, but that and what another program wrote."""


@dataclass(frozen=True, slots=True)
class Clash:
    """Another program wrote what cannot be merged; the text is kept as a draft until it is said
    which one counts."""

    theirs: Note


@dataclass(frozen=True, slots=True)
class Unsaved:
    """The file cannot be written."""

    problem: str
    kept: bool
    """Whether a draft holds the text."""


Outcome = Saved | Clash | Unsaved


class Desk:
    """One note at a time. Use it in the event loop's thread; its methods do not block."""

    def __init__(self) -> None:
        self.note: Note | None = None
        """The file as it was last read or written."""
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="notes")
        self._saving = asyncio.Lock()

    async def read(self, path: Path) -> Opened:
        """Another note; the one that is open stays so until `take`. Raises NoteError."""
        return await self.off_loop(lambda: _read(path))

    async def save(self, text: str) -> Outcome:
        """Put the text into the open note's file."""
        async with self._saving:  # what one save has written, the next one knows
            note = self.note
            if note is None:
                return Saved(text)  # it was closed meanwhile, with all that was written
            outcome, known = await self.off_loop(lambda: _save(note, text))
            if self.note is note:
                self.note = known
            return outcome

    async def look(self) -> Note | None:
        """The file, if another program has changed it. It is the one known from then on.

        Raises NoteError where it cannot be read any more.
        """
        note = self.note
        if note is None:
            return None
        found = await self.off_loop(lambda: _changed(note))
        return found if self.note is note else None

    def take(self, note: Note) -> None:
        """Open a note, or know its file as it is now: what is saved next replaces that."""
        self.note = note

    def moved(self, path: Path) -> None:
        """The open note's file has another name."""
        if self.note is not None:
            self.note = Note(path, self.note.text, self.note.stamp)

    def clear(self) -> None:
        """No note is open."""
        self.note = None

    def forget_draft(self, path: Path) -> None:
        """The draft of a note is not wanted."""
        self._disk.submit(drop_draft, path)

    async def off_loop(self, work: Callable[[], Result]) -> Result:
        """Do something with the disk, after everything that was asked of it before."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)

    def close(self) -> None:
        """Wait for the disk, and touch it no more."""
        self.note = None
        self._disk.shutdown()


def _read(path: Path) -> Opened:
    note = read_note(path)
    draft = find_draft(path)
    if draft is None or draft.text == note.text:
        return Opened(note, note.text)
    both = merged(draft.base, draft.text, note.text)
    if both is None:
        return Opened(note, draft.text, restored=True, clash=note)
    return Opened(note, both, restored=True)


def _save(note: Note, text: str) -> tuple[Outcome, Note]:
    try:
        written = write_note(note.path, text, note.stamp)
    except ChangedOutsideError:
        return _save_both(note, text)
    except NoteError as error:
        return Unsaved(str(error), _kept(note, text)), note
    drop_draft(note.path)
    return Saved(text), written


def _save_both(note: Note, text: str) -> tuple[Outcome, Note]:
    try:
        theirs = read_note(note.path)
        both = merged(note.text, text, theirs.text)
        if both is None:
            problem = f"{note.path.name} was changed by another program"
            return (Clash(theirs) if _kept(note, text) else Unsaved(problem, kept=False)), note
        written = write_note(note.path, both, theirs.stamp)
    except NoteError as error:
        return Unsaved(str(error), _kept(note, text)), note
    drop_draft(note.path)
    return Saved(both, merged=both != text), written


def _kept(note: Note, text: str) -> bool:
    try:
        keep_draft(note.path, note.text, text)
    except OSError:
        return False
    return True


def _changed(note: Note) -> Note | None:
    stamp = stamp_of(note.path)
    return read_note(note.path) if stamp is not None and stamp != note.stamp else None
