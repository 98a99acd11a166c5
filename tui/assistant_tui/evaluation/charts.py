"""Horizontal bars of shares, each with its standard error, and a line where guessing would be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from assistant_tui.controls import visible

_SURE, _LIKELY, _POSSIBLE = "█", "▓", "░"
"""A bar up to one error below its end, to its end, and to one error above it."""
_CHANCE = "┊"
_MOST_LABEL = 0.42
"""Of the width."""
_LEAST_BAR = 8
"""Cells; a narrower one is left out."""
_GAP = "  "
_MUTED = "$foreground 45%"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a chart; without a share it is the heading of those below."""

    label: str
    share: float | None = None
    error: float | None = None
    told: str = ""
    """What stands at the right."""
    style: str = "$primary"


class Chart(Widget):
    """As many lines as it has rows, and a scale above them."""

    DEFAULT_CSS = "Chart { height: auto; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._chance: float | None = None

    def show(self, rows: Sequence[Row], chance: float | None = None) -> None:
        """Draw other rows; `chance` is what guessing would have."""
        self._rows = rows
        self._chance = chance
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A line for each row, and one for the scale."""
        return len(self._rows) + 1 if self._rows else 0

    def render(self) -> Content:
        """All of it, as wide as there is room."""
        return Content("\n").join(drawn(self._rows, self._chance, self.content_size.width))


def drawn(rows: Sequence[Row], chance: float | None, width: int) -> Iterator[Content]:
    """The lines of a chart in `width` cells; none for no rows."""
    if not rows:
        return
    bars = [row for row in rows if row.share is not None]
    told = max((cell_len(row.told) for row in bars), default=0)
    label = min(
        max((cell_len(_line(row.label)) for row in bars), default=0), int(width * _MOST_LABEL)
    )
    room = width - label - told - 2 * len(_GAP)
    if room < _LEAST_BAR:
        room, label = 0, max(0, width - told - 2 * len(_GAP))
    yield Content.assemble(" " * label, _GAP, (_scale(room, chance), _MUTED))
    for row in rows:
        if row.share is None:
            yield Content.assemble((_line(row.label), "bold"))
            continue
        name = set_cell_size(_line(row.label), label)
        yield Content.assemble(name, _GAP, bar(row, room, chance), _GAP, (row.told, "$foreground"))


def bar(row: Row, width: int, chance: float | None) -> Content:
    """A bar alone."""
    share, error = row.share or 0.0, row.error or 0.0
    line = None if chance is None else _cell(chance, width)
    cells = []
    for place in range(width):
        middle = (place + 0.5) / width
        if middle >= share + error:
            cells.append((_CHANCE, _MUTED) if place == line else (" ", ""))
        elif place == line:
            # The line goes on through a bar, where it is cut out of it.
            cells.append((_CHANCE, f"{row.style} reverse" if middle < share else row.style))
        else:
            sure, likely = middle < share - error, middle < share
            cells.append((_SURE if sure else _LIKELY if likely else _POSSIBLE, row.style))
    return Content.assemble(*cells)


def _line(text: str) -> str:
    return visible(" ".join(text.split()))


def _scale(width: int, chance: float | None) -> str:
    """Numbers above where they are, as far as they have room."""
    line = [" "] * width
    marks = [(0.0, "0"), (1.0, "100")]
    marks += [] if chance is None else [(chance, f"{100 * chance:.0f} chance")]
    marks += [(0.75, "75"), (0.5, "50")]
    for share, text in marks:
        begin = min(_cell(share, width), width - len(text))
        around = line[max(0, begin - 1) : begin + len(text) + 1]
        if begin >= 0 and all(letter == " " for letter in around):
            line[begin : begin + len(text)] = text
    return "".join(line).rstrip()


def _cell(share: float, width: int) -> int:
    """The cell of a share, from 0 to 1."""
    return min(int(share * width), width - 1)
