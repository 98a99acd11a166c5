"""The suggested words in an editor of their own, before they are taken."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer

from assistant_tui.notes.editor import NoteEditor


class Rewording(ModalScreen[str | None]):
    """Gives the words as the user wants them; None when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "keep", "Use these words"),
        Binding("escape", "dismiss(None)", "Leave"),
    ]

    def __init__(self, words: str) -> None:
        super().__init__(classes="dialog")
        self._words = words

    def compose(self) -> ComposeResult:
        """The editor, and the keys."""
        with Vertical(classes="box wide") as box:
            box.border_title = "Edit the suggestion"
            yield NoteEditor()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Begin at the end of the words."""
        editor = self.query_one(NoteEditor)
        editor.use_colours(self.app.theme_variables)
        editor.open(self._words)
        editor.move_cursor(editor.document.end)
        editor.focus()

    def action_keep(self) -> None:
        """Use the words."""
        self.dismiss(self.query_one(NoteEditor).note.text)
