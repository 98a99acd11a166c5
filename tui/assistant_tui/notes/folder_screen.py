"""What a screen does with a folder: read it, find in it, and make, rename and delete notes."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from textual import on, work
from textual.message import Message

from assistant_tui.dialogs import AskName
from assistant_tui.notes import finder
from assistant_tui.notes.folder import (
    Listing,
    Trashed,
    create_note,
    last_trashed,
    rename_note,
    restore_note,
    scan,
    title_of,
    trash_note,
)
from assistant_tui.notes.note_file import NoteError
from assistant_tui.notes.pane import NotePane
from assistant_tui.notes.search import SearchIndex
from assistant_tui.notes.tree import NoteTree
from assistant_tui.room import Room

Result = TypeVar("Result")


class FolderScreen(Room):
    """Holds a `NoteTree` and a `NotePane`, and what the keys about the folder do with them."""

    class Scanned(Message):
        """What is in the folder."""

        def __init__(self, listing: Listing, reveal: Path | None) -> None:
            super().__init__()
            self.listing = listing
            self.reveal = reveal

    class Trouble(Message):
        """Something went wrong in a thread."""

        def __init__(self, problem: str) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self, root: Path, note: str | None) -> None:
        """`note`, inside the folder, is opened if it is there."""
        super().__init__()
        self.root = root
        self.index = SearchIndex(root)
        self._first = note
        self._listing = Listing()
        self._told: set[str] = set()
        self._scanning = False

    @property
    def pane(self) -> NotePane:
        """The open note."""
        return self.query_one(NotePane)

    @property
    def note(self) -> str:
        """The open note inside the folder, or empty."""
        path = self.pane.path
        return path.relative_to(self.root).as_posix() if path is not None else ""

    def look_again(self) -> None:
        """Look what is in the folder, unless a slow disk is still being looked at."""
        if not self._scanning:
            self.rescan()

    @work(thread=True, exclusive=True, group="scan")
    def rescan(self, reveal: Path | None = None) -> None:
        """Look what is in the folder, and put the tree's cursor on a note in it."""
        self._scanning = True
        try:
            self.post_message(self.Scanned(scan(self.root), reveal))
        except NoteError as error:
            self.post_message(self.Trouble(str(error)))
        finally:
            self._scanning = False

    @on(Scanned)
    def _scanned(self, event: Scanned) -> None:
        first = not self._listing.notes
        self._listing = event.listing
        self.query_one(NoteTree).show(event.listing)
        if event.reveal is not None:
            self.query_one(NoteTree).reveal(event.reveal.relative_to(self.root).as_posix())
        if first and event.listing.notes:
            self.call_after_refresh(self._warm)  # once the notes can be seen
            if self._first in event.listing.notes and self.pane.path is None:
                self.pane.open(self.root / self._first)
            elif self.pane.path is None and not self.query_one(NoteTree).has_focus:
                self.query_one(NoteTree).focus()

    @work(thread=True, exclusive=True, group="index")
    def _warm(self) -> None:
        self.index.refresh(self._listing.notes)

    @on(NoteTree.Chosen)
    def _chosen(self, event: NoteTree.Chosen) -> None:
        self.pane.open(self.root / event.note)

    def action_find(self) -> None:
        """Open a note by its name."""
        self.app.push_screen(finder.by_name(self._listing.notes), self._go)

    def action_search(self) -> None:
        """Open a note by words in it."""
        self.app.push_screen(finder.by_text(self.index, self._listing.notes), self._go)

    def _go(self, place: finder.Place | None) -> None:
        if place is not None:
            self.pane.open(self.root / place.note, place.row)

    def action_new(self) -> None:
        """Make a note."""
        inside = self.query_one(NoteTree).inside
        dialog = AskName("New note", "A name, such as ideas/today. Enter makes it.", inside)
        self.app.push_screen(dialog, self._make_named)

    def _make_named(self, name: str | None) -> None:
        if name is not None:
            self._make(name)

    @work(group="folder")
    async def _make(self, name: str) -> None:
        if path := await self._done(lambda: create_note(self.root, name)):
            self.rescan(path)
            self.pane.open(path)

    def action_rename_note(self) -> None:
        """Give the note another name."""
        note = self.query_one(NoteTree).note if self.query_one(NoteTree).has_focus else self.note
        if note:
            dialog = AskName("Rename", "A new name inside the folder.", note)
            self.app.push_screen(dialog, lambda name: self._rename_named(note, name))

    def _rename_named(self, note: str, name: str | None) -> None:
        if name is not None:
            self._rename(note, name)

    @work(group="folder")
    async def _rename(self, note: str, name: str) -> None:
        path = self.root / note
        if target := await self._done(lambda: rename_note(self.root, path, name), note):
            if note == self.note:
                self.pane.moved(target)
            self.rescan()

    def action_delete_note(self) -> None:
        """Move the note under the cursor to the trash."""
        if note := self.query_one(NoteTree).note:
            self._delete(note)

    @work(group="folder")
    async def _delete(self, note: str) -> None:
        trashed = await self._done(lambda: trash_note(self.root / note), note)
        if trashed is not None:
            if note == self.note:
                self.pane.close()
            self.notify(f"{title_of(note)} is in the trash. Ctrl+Z in the tree brings it back.")
            self.rescan()

    @work(group="folder")
    async def action_restore_note(self) -> None:
        """Bring back the note that was deleted last."""
        trashed = await self._done(last_trashed)
        if trashed is None:
            self.notify("The trash is empty.")
        elif path := await self._done(lambda: restore_note(_known(trashed))):
            self.rescan(path if path.is_relative_to(self.root) else None)
            self.notify(f"{path.name} is back.")

    async def _done(self, work: Callable[[], Result], note: str = "") -> Result | None:
        """Do something with the folder; None where the user was told why it was not done.

        `note` is the one that it is done with, if there is one.
        """
        pane = self.pane
        try:
            return await (
                pane.hold(work) if note and note == self.note else pane.desk.off_loop(work)
            )
        except NoteError as error:
            self._warn(str(error))
            return None

    @on(Trouble)
    def _troubled(self, event: Trouble) -> None:
        if event.problem not in self._told:  # it may come again every few seconds
            self._told.add(event.problem)
            self._warn(event.problem)

    def _warn(self, problem: str) -> None:
        self.notify(problem, severity="error", timeout=10)


def _known(trashed: Trashed | None) -> Trashed:
    assert trashed is not None
    return trashed
