"""The open note: how it is opened, held and moved, and what other programs do to its file."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from textual import on, work
from textual.message import Message

from assistant_tui.notes.desk import Opened
from assistant_tui.notes.merge import merged
from assistant_tui.notes.note_file import Note, NoteError
from assistant_tui.notes.saving import SAVE_SECONDS
from assistant_tui.notes.suggesting import SuggestingPane

_LOOK_SECONDS = 1.0

Result = TypeVar("Result")


class NotePane(SuggestingPane):
    """One note after the other."""

    class Shown(Message):
        """Another note is open; None for no note."""

        def __init__(self, path: Path | None) -> None:
            super().__init__()
            self.path = path

    class _Read(Message):
        def __init__(self, opened: Opened) -> None:
            super().__init__()
            self.opened = opened

    class _Again(Message):
        def __init__(self, row: int | None) -> None:
            super().__init__()
            self.row = row

    class _Found(Message):
        def __init__(self, known: Note, theirs: Note) -> None:
            super().__init__()
            self.known = known
            self.theirs = theirs

    def on_mount(self) -> None:
        """Look at the file once in a while."""
        self.set_interval(_LOOK_SECONDS, self._look)

    # Opening ---------------------------------------------------------------------------------

    @work(exclusive=True, group="open")
    async def open(self, path: Path, row: int | None = None) -> None:
        """Show another note, once the one before is saved."""
        if path == self.path:
            self.post_message(self._Again(row))
            return
        if not self._is_safe:
            await self._write(self.editor.note.text)
        try:
            opened = await self.desk.read(path)
        except NoteError as error:
            self.notify(str(error), severity="error")
            return
        self._row = row
        self.post_message(self._Read(opened))

    @on(_Read)
    def _read(self, event: "_Read") -> None:
        opened = event.opened
        if not self._is_safe:
            if self.saving == "lost":
                self.notify("This note stays open until it can be saved.", severity="error")
            else:
                self.open(opened.note.path, self._row)  # more was typed: it is saved first
            return
        self.desk.take(opened.note)
        self._saved_text, self._kept_text = opened.note.text, None
        self.saving, self.problem = "", ""
        editor = self.editor
        editor.read_only, editor.placeholder = False, ""
        editor.open(opened.text)
        self.follow_anew()
        if self._row is not None:
            editor.go_to(self._row)
        editor.focus()
        self.post_message(self.Shown(opened.note.path))
        if opened.restored:
            self.notify("Restored what could not be saved the last time.", timeout=8)
        if opened.clash is not None:
            self._ask_about(opened.clash)

    @on(_Again)
    def _again(self, event: "_Again") -> None:
        if event.row is not None:
            self.editor.go_to(event.row)
        self.editor.focus()
        self.post_message(self.Shown(self.path))

    def close(self) -> None:
        """Show no note."""
        self.desk.clear()
        self._saved_text = ""
        self.editor.open("")
        self.editor.read_only = True
        self.follow_anew()
        self.saving = ""
        self.post_message(self.Shown(None))

    async def hold(self, work: Callable[[], Result]) -> Result:
        """Do something with the open note's file, which has all that was written by then.

        Nothing is written to it meanwhile. Raises NoteError.
        """
        await self.settle()
        self._writing = True
        try:
            return await self.desk.off_loop(work)
        finally:
            self._writing = False
            if not self.is_saved:
                self._save_soon(SAVE_SECONDS)

    def moved(self, path: Path) -> None:
        """The open note's file has another name."""
        self.desk.moved(path)
        self.follow_anew()
        self.post_message(self.Shown(path))

    # Other programs --------------------------------------------------------------------------

    @work(group="look")
    async def _look(self) -> None:
        known = self.desk.note
        if known is None or self._writing or self._asking:
            return
        try:
            theirs = await self.desk.look()
        except NoteError:
            return  # saving will say what is wrong
        if theirs is not None:
            self.post_message(self._Found(known, theirs))

    @on(_Found)
    def _found(self, event: "_Found") -> None:
        note, theirs = event.known, event.theirs
        if self.desk.note is not note or self._writing:
            return  # it was saved meanwhile; what is still another's is found at the next look
        both = merged(note.text, self.editor.note.text, theirs.text)
        if both is None:
            self._ask_about(theirs)
            return
        self.desk.take(theirs)
        self._saved_text = theirs.text
        if self.editor.become(both):
            self.notify(f"{note.path.name} was changed by another program: both are here now.")
