"""Plots of letters: lines of Braille dots, and a bar of several parts with its legend.

Colours are those of the theme, so that they are right in sixteen colours, too.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of each dot of a Braille sign, by column and row."""
_BRAILLE = 0x2800
_GAP = 1
"""Between two columns of a legend."""
_GRID = "$foreground 40%"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """Points that are joined, from left to right."""

    points: Sequence[Point]
    style: str


@dataclass(frozen=True, slots=True)
class Range:
    """From the lowest to the highest value that is shown."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """How far up a value is, from 0 to 1."""
        return (value - self.low) / (self.high - self.low)


def range_of(values: Sequence[float], *, from_zero: bool) -> Range:
    """A range with room for all values, which is never empty."""
    low = 0.0 if from_zero else min(values, default=0.0)
    high = max(values, default=1.0)
    if high > low:
        return Range(low, high)
    return Range(low, low + (abs(low) * 0.1 or 1.0)) if from_zero else Range(low - 0.5, low + 0.5)


class Canvas:
    """Signs of Braille, `width` by `height`: each has two columns of four dots."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._signs = [[0] * width for _ in range(height)]
        self._styles = [[""] * width for _ in range(height)]

    def draw(self, line: Line, across: Range, up: Range) -> None:
        """Draw a line over what is there; a point alone is a dot."""
        places = [
            (across.share(x) * (self.width * 2 - 1), (1 - up.share(y)) * (self.height * 4 - 1))
            for x, y in merged(line.points, across, self.width * 2)
        ]
        for start, end in pairwise(places):
            steps = max(1, round(max(abs(end[0] - start[0]), abs(end[1] - start[1]))))
            for step in range(steps):
                share = step / steps
                self._dot(
                    start[0] + (end[0] - start[0]) * share,
                    start[1] + (end[1] - start[1]) * share,
                    line.style,
                )
        if places:
            self._dot(*places[-1], line.style)

    def _dot(self, x: float, y: float, style: str) -> None:
        column, row = round(x), round(y)
        if 0 <= column < self.width * 2 and 0 <= row < self.height * 4:
            self._signs[row // 4][column // 2] |= _DOTS[column % 2][row % 4]
            self._styles[row // 4][column // 2] = style

    def rows(self) -> Iterator[Content]:
        """The rows from above to below."""
        for signs, styles in zip(self._signs, self._styles, strict=True):
            yield Content.assemble(
                *((chr(_BRAILLE + sign), style) for sign, style in zip(signs, styles, strict=True))
            )


def merged(points: Sequence[Point], across: Range, columns: int) -> Sequence[Point]:
    """Points of which no two share a column: those that would are one at their mean."""
    if len(points) <= columns:
        return points
    bins = dict[int, list[Point]]()
    for point in points:
        bins.setdefault(round(across.share(point[0]) * (columns - 1)), []).append(point)
    return [
        (sum(x for x, _ in some) / len(some), sum(y for _, y in some) / len(some))
        for some in bins.values()
    ]


class LinePlot(Widget):
    """Lines over a common range, with the lowest and the highest value at the left."""

    DEFAULT_CSS = """
    LinePlot {
        height: 1fr;
        border-top: solid $panel;
        border-title-color: $text-muted;
        border-subtitle-color: $text-disabled;
    }
    """

    def __init__(
        self,
        title: str,
        number: Callable[[float], str],
        *,
        from_zero: bool = True,
        key: str,
    ) -> None:
        """`number` writes a value in few letters; `key` is the id."""
        super().__init__(id=key)
        self.border_title = self._title = title
        self._number = number
        self._from_zero = from_zero
        self._lines: Sequence[Line] = ()
        self._across = Range(0, 1)

    def show(self, lines: Sequence[Line], across: Range, newest: Content) -> None:
        """Show other lines; `across` is what the width stands for, `newest` the last values."""
        self.border_title = Content(self._title) + Content("  ") + newest
        if (lines, across) != (self._lines, self._across):
            self._lines, self._across = lines, across
            self.refresh()

    def render(self) -> Content:
        """The plot as wide and high as there is room."""
        width, height = self.content_size
        values = [y for line in self._lines for _, y in line.points]
        if not values or height < 1:
            return Content.styled("nothing measured yet", _GRID) if height else Content()
        up = range_of(values, from_zero=self._from_zero)
        labels = [""] * height
        labels[-1] = self._number(up.low)
        labels[0] = self._number(up.high)
        margin = max(map(len, labels))
        canvas = Canvas(max(1, width - margin - 1), height)
        for line in self._lines:
            canvas.draw(line, self._across, up)
        rows = zip(labels, canvas.rows(), strict=True)
        return Content("\n").join(
            Content.assemble((f"{label:>{margin}}", _GRID), ("▏", "$panel"), row)
            for label, row in rows
        )


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar."""

    name: str
    size: float
    style: str


class Bar(Widget):
    """Parts side by side as shares of a whole, the rest of which is drawn thin."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._parts: Sequence[Part] = ()
        self._whole = 1.0

    def show(self, parts: Sequence[Part], whole: float) -> None:
        """Show other parts; what is larger than the whole is cut off at its end."""
        self._parts, self._whole = parts, whole
        self.refresh()

    def render(self) -> Content:
        """The bar as wide as there is room."""
        width, place, before = self.content_size.width, 0, 0.0
        drawn = list[tuple[str, str]]()
        for part in self._parts:
            before += part.size
            end = min(width, round(before / self._whole * width)) if self._whole > 0 else width
            drawn.append(("█" * (end - place), part.style))
            place = max(place, end)
        return Content.assemble(*drawn, ("─" * (width - place), _GRID))


class Legend(Widget):
    """What the colours of a bar mean, in columns."""

    DEFAULT_CSS = "Legend { height: auto; }"

    def __init__(self, number: Callable[[float], str]) -> None:
        """`number` writes a size in few letters."""
        super().__init__()
        self._number = number
        self._parts: Sequence[Part] = ()

    def show(self, parts: Sequence[Part]) -> None:
        """Explain other parts."""
        self._parts = parts
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """So many rows as the columns need."""
        return -(-len(self._parts) // self._columns(width))

    def render(self) -> Content:
        """Row by row."""
        words = [f" {part.name} {self._number(part.size)}" for part in self._parts]
        room = max(map(len, words), default=0) + _GAP
        entries = [
            Content.assemble(("█", part.style), word.ljust(room))
            for part, word in zip(self._parts, words, strict=True)
        ]
        columns = self._columns(self.content_size.width)
        rows = (entries[at : at + columns] for at in range(0, len(entries), columns))
        return Content("\n").join(Content("").join(row) for row in rows)

    def _columns(self, width: int) -> int:
        sizes = (len(part.name) + len(self._number(part.size)) for part in self._parts)
        return max(1, (width + _GAP) // (max(sizes, default=0) + 3 + _GAP))
