"""The note as it would be read, beside the editor. Of a long one, what is around the cursor."""

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widgets import Markdown

from assistant_tui.controls import visible

_WAIT_SECONDS = 0.25
_MOST_LINES = 300
"""More of them would take a noticeable time to lay out at each pause."""


class Preview(VerticalScroll):
    """Laid out in the pauses of who types."""

    can_focus = False

    def __init__(self) -> None:
        super().__init__(id="preview", classes="-hidden")
        self.border_title = "Preview"
        self._timer: Timer | None = None
        self._lines: list[str] = []
        self._row = 0

    def compose(self) -> ComposeResult:
        """Textual's own renderer."""
        yield Markdown(open_links=False)

    def show(self, lines: list[str], row: int) -> None:
        """Show the text soon; `row` is the cursor's."""
        self._lines, self._row = lines, row
        if self._timer is None and self.display:
            self._timer = self.set_timer(_WAIT_SECONDS, self._lay_out)

    def _lay_out(self) -> None:
        self._timer = None
        self._update(visible("\n".join(around(self._lines, self._row))))

    @work(exclusive=True, group="preview")
    async def _update(self, text: str) -> None:
        await self.query_one(Markdown).update(text)
        share = self._row / max(len(self._lines) - 1, 1)
        self.call_after_refresh(self.scroll_to, y=share * self.max_scroll_y, animate=False)


def around(lines: list[str], row: int, most: int = _MOST_LINES) -> list[str]:
    """The lines around a row, from a paragraph's begin on; all of them where they are few."""
    if len(lines) <= most:
        return lines
    first = max(0, min(row - most // 2, len(lines) - most))
    while first > 0 and lines[first - 1].strip() and row - first < most:
        first -= 1
    return lines[first : first + most]
