"""Old words and new ones side by side, or in one column where there is no room for two."""

from collections.abc import Collection, Sequence
from typing import Literal

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalGroup
from textual.content import Content
from textual.events import Click, Resize
from textual.message import Message
from textual.style import Style
from textual.widgets import Static

from assistant.diff import Change, word_diff
from assistant_tui.controls import visible
from assistant_tui.notes.changes import Part, Piece

_NARROW = 76
"""Columns; less than this is no room for two texts."""

_NUMBER = "change"
_GONE = "·"
"""Stands where words are left out, so that one sees it and can click it."""

Side = Literal["old", "new", "both"]


class Pair(Horizontal):
    """The old words of one place beside the new ones."""

    def __init__(self) -> None:
        super().__init__()
        self._old, self._new = Static(classes="old"), Static(classes="new")
        self._shown: dict[Static, object] = {}

    def compose(self) -> ComposeResult:
        """Two texts; the old one is hidden where there is no room for it."""
        yield self._old
        yield self._new

    def show(self, old: Content, new: Content, *, two: bool, fits: bool = False) -> None:
        """Show both, or in one column only the new one.

        What `fits` where the last texts stood is drawn without laying the screen out anew.
        """
        self._old.display = two
        for side, content in ((self._old, old), (self._new, new)):
            # Two contents count as equal when their letters are, whatever the styles.
            shown = content.plain, content.spans
            if self._shown.get(side) != shown:
                self._shown[side] = shown
                side.update(content, layout=not fits)


class Columns(VerticalGroup):
    """A pair for each place of the note; each change in them can be clicked."""

    class Clicked(Message):
        """A change was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self) -> None:
        super().__init__()
        self._pairs: list[Pair] = []
        self._shown: tuple[Sequence[Part], Collection[int], int] | None = None
        self._narrow = False

    def on_resize(self, event: Resize) -> None:
        """One column or two, as there is room."""
        narrow = event.size.width < _NARROW
        if narrow != self._narrow:
            self._narrow = narrow
            if self._shown is not None:
                self.show(*self._shown)

    def on_click(self, event: Click) -> None:
        """Tell which change was clicked, if it was one."""
        number = event.style.meta.get(_NUMBER)
        if isinstance(number, int):
            self.post_message(self.Clicked(number))

    def clear(self) -> None:
        """Show nothing."""
        self._shown = None
        self._have(0)

    def grow(self, old: str, so_far: str) -> None:
        """Show an answer that is on its way beside what it is to replace."""
        self._shown = None
        self._have(1)
        two = bool(old) and not self._narrow
        room = self.size.height * self.size.width // (3 if two else 2)
        self._pairs[0].show(*_growing(old, so_far, max(room, 1)), two=two, fits=True)

    def show(self, parts: Sequence[Part], taken: Collection[int], current: int) -> None:
        """Show what would change, what of it is taken, and which change the keys are about."""
        self._shown = parts, taken, current
        self._have(len(parts))
        for pair, part in zip(self._pairs, parts, strict=True):
            two = bool(part.old) and not self._narrow
            sides: tuple[Side, Side] = ("old", "new" if two else "both")
            pair.show(*(_words(part, side, taken, current) for side in sides), two=two)

    def pair(self, place: int) -> Pair:
        """The pair of one place."""
        return self._pairs[place]

    def _have(self, count: int) -> None:
        for pair in self._pairs[count:]:
            pair.remove()
        more = [Pair() for _ in range(count - len(self._pairs))]
        self._pairs = [*self._pairs[:count], *more]
        if more:
            self.mount(*more)


def _words(part: Part, side: Side, taken: Collection[int], current: int) -> Content:
    return Content("").join(_piece(piece, side, taken, current) for piece in part.pieces)


def _piece(piece: Piece, side: Side, taken: Collection[int], current: int) -> Content:
    """The words of one side. The new side is what would stand in the note as things are chosen."""
    if piece.number is None:
        return Content(visible(piece.old))
    is_taken = piece.number in taken
    here = " reverse" if piece.number == current else ""
    removed = f"$error strike{here}" if is_taken else f"$warning{here}"
    found = []
    if side == "old" or (side == "both" and is_taken):
        found.append(Content(visible(piece.old)).stylize(removed))
    if side != "old":
        words, style = (piece.new, "$success bold") if is_taken else (piece.old, "$warning")
        found.append(
            Content(visible(words) or (_GONE if side == "new" else "")).stylize(style + here)
        )
    return Content("").join(found).stylize(Style.from_meta({_NUMBER: piece.number}))


def _growing(old: str, so_far: str, room: int) -> tuple[Content, Content]:
    """Both texts, with what has changed up to where the answer has come.

    Where there is no `room`, in characters, for all of it, the end of the answer is shown.
    """
    old, so_far = visible(old), visible(so_far)
    if not old or max(len(old), len(so_far)) > room:
        seen = so_far if len(so_far) <= room else f"… {so_far[-room:]}"
        return Content(old), Content(f"{seen} ▌")
    stretches = word_diff(old, so_far)
    if stretches and stretches[-1].change is Change.REMOVED:
        rest = stretches.pop().text
    elif len(stretches) > 1 and stretches[-2].change is Change.REMOVED:
        rest = stretches.pop(-2).text
    else:
        rest = ""
    before = [
        Content(one.text).stylize("$error" if one.change is Change.REMOVED else "")
        for one in stretches
        if one.change is not Change.ADDED
    ]
    after = [
        Content(one.text).stylize("$success bold" if one.change is Change.ADDED else "")
        for one in stretches
        if one.change is not Change.REMOVED
    ]
    return (
        Content("").join([*before, Content(rest).stylize("$foreground 50%")]),
        Content("").join([*after, Content(" ▌")]),
    )
