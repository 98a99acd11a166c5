"""Asks for a text of several lines."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, TextArea


class AskText(ModalScreen[str]):
    """Gives the text, however it is left: nothing that was typed is thrown away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+s", "keep", "Keep"),
    ]

    def __init__(self, title: str, hint: str, text: str) -> None:
        super().__init__(classes="dialog")
        self._title = title
        self._hint = hint
        self._text = text

    def compose(self) -> ComposeResult:
        """The text and what to know of it."""
        with Vertical(classes="box") as box:
            box.border_title = self._title
            yield TextArea(self._text, tab_behavior="focus", highlight_cursor_line=False)
            yield Label(self._hint, classes="hint")

    def action_keep(self) -> None:
        """Give the text."""
        self.dismiss(self.query_one(TextArea).text)
