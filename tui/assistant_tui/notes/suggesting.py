"""A pane whose editor shows what could come next, where somebody pauses in writing."""

import time

from textual import on, work
from textual.message import Message
from textual.timer import Timer

from assistant.edit import Edit, narrowed
from assistant_tui.ghost_text_area import GhostTextArea
from assistant_tui.notes.continuing import Continuing, OpenNote
from assistant_tui.notes.saving import SavingPane

_NO_PROSE = ("front.matter", "code.block", "html")
"""What the syntax calls places where nobody wants prose to go on."""


class SuggestingPane(SavingPane):
    """Asks in a pause, and follows what becomes of the answers."""

    class _Known(Message):
        """There is something that could come next, somewhere."""

    def __init__(self, continuing: Continuing) -> None:
        super().__init__()
        self.continuing = continuing
        self._pause: Timer | None = None
        self._typed_at = 0.0
        self._followed = OpenNote("", "")
        """The note as the record of use knows it."""
        self._held = False

    def on_mount(self) -> None:
        """Let the editor look up what is known."""
        self.editor.follows = self._look_up

    def hold_suggestions(self, held: bool) -> None:
        """Suggest nothing for a while, such as while something else is to be decided."""
        self._held = held
        if held:
            self.editor.dismiss()
            self.continuing.stop(self._path)

    async def finish(self) -> None:
        """Save what is left, and see what became of what was suggested."""
        self._follow(self.editor.note.text)
        await super().finish()

    @property
    def _path(self) -> str:
        return str(self.path or "")

    def _look_up(self, before: str, after: str) -> str:
        return "" if self._held else self.continuing.known(self._path, before, after)

    # Asking ----------------------------------------------------------------------------------

    @on(GhostTextArea.Wanted)
    def _wanted(self, event: GhostTextArea.Wanted) -> None:
        event.stop()
        self._typed_at = time.monotonic()
        self.continuing.typed(self._path, *self.editor.around())
        if self._pause is None:
            self._pause = self.set_timer(self.continuing.delay, self._paused)

    def _paused(self) -> None:
        """Ask, unless there was another key meanwhile."""
        self._pause = None
        left = self._typed_at + self.continuing.delay - time.monotonic()
        if left > 0:
            self._pause = self.set_timer(left, self._paused)
        elif self._wants:
            self._ask(self._now, self.editor.offsets[1])

    @property
    def _wants(self) -> bool:
        """Whether a suggestion could help where the cursor is."""
        editor = self.editor
        if self.path is None or self._held or editor.ghost or not editor.is_open_to_ghosts:
            return False
        spans = editor.note.tree.spans(editor.cursor_location[0])
        return not any(name in _NO_PROSE for _, _, name in spans)

    @work(group="suggesting")
    async def _ask(self, note: OpenNote, offset: int) -> None:
        if await self.continuing.ask(note, offset):
            self.post_message(self._Known())

    @on(_Known)
    def _show(self) -> None:
        self.editor.look_up()
        self._record_shown()

    # What becomes of it ----------------------------------------------------------------------

    def follow_anew(self) -> None:
        """Another note is open, or this one has another name."""
        self.continuing.left(self._followed.path)
        self._followed = self._now

    @property
    def _now(self) -> OpenNote:
        return OpenNote(self._path, self.editor.note.text)

    @on(GhostTextArea.Edited)
    def _text_changed(self, event: GhostTextArea.Edited) -> None:
        event.stop()
        self._follow(event.text)

    @on(GhostTextArea.Accepted)
    def _accepted(self, event: GhostTextArea.Accepted) -> None:
        event.stop()
        self.continuing.accepted(self._path)

    def _follow(self, text: str) -> None:
        """Tell the record of use of the edit that left this text."""
        old, path = self._followed.text, self._path
        self._followed = OpenNote(path, text)
        if text != old and self.continuing.watches(path):
            self.continuing.changed(path, narrowed(Edit(0, len(old), text), old))
        self._record_shown()

    def _record_shown(self) -> None:
        """What is shown stands in the newest text, which the record may have to catch up with."""
        if self.editor.ghost and self._followed == self._now:
            self.continuing.shown(self._now, self.editor.offsets[1], self.editor.ghost)
