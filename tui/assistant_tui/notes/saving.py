"""An editor whose text is saved behind the typing, and what is done when it cannot be.

The text is written some tenths of a second after the first key that the file has not, and again as
long as there are more: whatever ends this process, at most the last second is lost.
"""

from pathlib import Path
from typing import Literal

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

from assistant_tui.dialogs import Answer, Choose
from assistant_tui.notes.desk import Clash, Desk, Outcome, Saved, Unsaved
from assistant_tui.notes.editor import NoteEditor
from assistant_tui.notes.merge import merged
from assistant_tui.notes.note_file import Note, NoteError, Stamp, write_note
from assistant_tui.notes.words import count_words

SAVE_SECONDS = 0.4
"""From a key to the disk; half a second and the time of a write is less than a second."""
_RETRY_SECONDS = 2.0
_CLASH = (
    Answer("mine", "Keep mine: the file is replaced"),
    Answer("theirs", "Take the file's (Ctrl+Z brings mine back)"),
    Answer("both", "Keep both: the file's goes beside it as a note of its own"),
)

Saving = Literal["", "saved", "unsaved", "kept", "lost"]


class SavingPane(Vertical):
    """The editor, and the desk behind it."""

    class Changed(Message):
        """The text, the cursor or what is known of the file is another."""

    class _Wrote(Message):
        def __init__(self, path: Path, text: str, outcome: Outcome) -> None:
            super().__init__()
            self.path = path
            self.text = text
            self.outcome = outcome

    def __init__(self) -> None:
        super().__init__(id="pane")
        self.desk = Desk()
        self.saving: Saving = ""
        self.problem = ""
        """Why it is not saved."""
        self._saved_text = ""
        self._kept_text: str | None = None
        """What the draft holds, where there is one."""
        self._writing = False
        self._timer: Timer | None = None
        self._row: int | None = None
        self._asking = False
        self._put_off: Stamp | None = None
        """The file that was not decided on: it is asked again when it, or the user, saves."""

    def compose(self) -> ComposeResult:
        """The editor alone."""
        yield NoteEditor(
            id="editor",
            read_only=True,
            placeholder="Ctrl+O opens a note by its name, Ctrl+F finds words in all of them,"
            " Ctrl+N makes a new one.",
        )

    @property
    def editor(self) -> NoteEditor:
        """The editor."""
        return self.query_one(NoteEditor)

    @property
    def path(self) -> Path | None:
        """The open note's file."""
        return self.desk.note.path if self.desk.note is not None else None

    @property
    def is_saved(self) -> bool:
        """Whether the file has all that was written."""
        return self.desk.note is None or self.editor.note.text == self._saved_text

    @property
    def _is_safe(self) -> bool:
        """Whether all that was written is in the file, or in a draft."""
        return self.is_saved or self.editor.note.text == self._kept_text

    @property
    def words(self) -> int:
        """How many words the note has."""
        return count_words(self.editor.document.lines)

    # Saving ----------------------------------------------------------------------------------

    @on(TextArea.Changed)
    def _edited(self, event: TextArea.Changed) -> None:
        event.stop()
        if not self.is_saved:
            if self.saving in ("", "saved"):
                self.saving = "unsaved"
            self._save_soon(SAVE_SECONDS)
        self.post_message(self.Changed())

    @on(TextArea.SelectionChanged)
    def _moved(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        self.post_message(self.Changed())

    def _save_soon(self, seconds: float) -> None:
        if self._timer is None and not self._writing:
            self._timer = self.set_timer(seconds, self.save)

    def insist(self) -> None:
        """Save now, and ask again what was put off."""
        self._put_off = None
        self.save()

    def save(self) -> None:
        """Save now what is not saved."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if not self._writing and not self.is_saved:
            self._writing = True
            self._save(self.editor.note.text)

    @work(group="save")
    async def _save(self, text: str) -> None:
        await self._write(text)

    async def _write(self, text: str) -> None:
        path = self.path
        if path is None:
            return
        self._writing = True
        try:
            outcome = await self.desk.save(text)
        finally:
            self._writing = False
        self.post_message(self._Wrote(path, text, outcome))

    @on(_Wrote)
    def _wrote(self, event: "_Wrote") -> None:
        if event.path != self.path:
            return
        match event.outcome:
            case Saved(text, merged=was_merged):
                self._saved_text, self._kept_text = text, None
                self.saving, self.problem = "saved", ""
                if was_merged:
                    self._take_in(event.text, text)
            case Clash(theirs):
                self.saving, self.problem = "kept", "another program changed the same lines"
                self._kept_text = event.text
                self._ask_about(theirs)
            case Unsaved(problem, kept):
                if problem != self.problem:
                    where = "A draft is kept." if kept else "Keep this open until it is."
                    self.notify(f"{problem}. {where}", severity="error", timeout=10)
                self.saving, self.problem = "kept" if kept else "lost", problem
                self._kept_text = event.text if kept else None
        if not self.is_saved:
            waits = self.saving in ("kept", "lost")
            self._save_soon(_RETRY_SECONDS if waits else SAVE_SECONDS)
        self.post_message(self.Changed())

    async def settle(self) -> bool:
        """Save what is left; returns whether nothing is lost when this ends now."""
        if not self.is_saved and (path := self.path) is not None:
            text = self.editor.note.text
            self._wrote(self._Wrote(path, text, await self.desk.save(text)))
        return self._is_safe

    async def finish(self) -> None:
        """Save what is left, whatever becomes of it, and let go of the disk."""
        await self.settle()
        self.desk.close()

    # Two versions -------------------------------------------------------------------------------

    def _take_in(self, mine: str, both: str) -> None:
        """The file was merged while it was saved: so is what is on the screen."""
        now = merged(mine, self.editor.note.text, both)
        if now is not None:
            self.editor.become(now)
            self.notify("Another program changed this note: both are here now.")
        elif self.desk.note is not None:
            self._ask_about(self.desk.note)

    def _ask_about(self, theirs: Note) -> None:
        if self._asking or theirs.stamp == self._put_off:
            return
        self._asking = True
        question = (
            f"Another program changed {theirs.path.name} in the same lines as you. What you wrote"
            " is kept until you choose."
        )
        dialog = Choose("Two versions", question, _CLASH)
        self.app.push_screen(dialog, lambda answer: self._settle(theirs, answer))

    def _settle(self, theirs: Note, answer: str | None) -> None:
        self._asking = False
        if self.path != theirs.path:
            return
        if answer is None:
            self._put_off = theirs.stamp
            return
        if answer == "both":
            self._put_beside(theirs)
        self.desk.take(theirs)
        self._saved_text = theirs.text
        self.saving, self.problem = "unsaved", ""
        if answer == "theirs":
            self.editor.become(theirs.text)
            self.desk.forget_draft(theirs.path)
        self.save()
        self.post_message(self.Changed())

    @work(group="save")
    async def _put_beside(self, theirs: Note) -> None:
        path = theirs.path.with_stem(f"{theirs.path.stem} (other)")
        try:
            await self.desk.off_loop(lambda: write_note(path, theirs.text, None))
        except NoteError as error:
            self.notify(str(error), severity="error")
