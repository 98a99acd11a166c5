"""One line that says how things stand: the note at the left, the model at the right."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from assistant_tui.model import ModelState

_MARKS = {"loading": "$warning", "ready": "$success", "failed": "$error"}


class StatusBar(Horizontal):
    """Shown above the keys."""

    def compose(self) -> ComposeResult:
        """Two texts."""
        yield Static(id="left")
        yield Static(id="right")

    def show_note(self, line: Content) -> None:
        """Say how the note stands."""
        self.query_one("#left", Static).update(line, layout=False)

    def show_model(self, state: ModelState) -> None:
        """Say how the model stands."""
        line = {"failed": "no model"}.get(state.phase, state.line)
        mark = ("● ", _MARKS[state.phase])
        self.query_one("#right", Static).update(Content.assemble(mark, (line, "$foreground 60%")))
