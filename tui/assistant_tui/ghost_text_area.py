"""A text area that shows what could come next, in muted letters behind the cursor.

Textual's own `suggestion` is put into the line before that is cut into rows: a longer one runs out
of the screen, moves what stands behind the cursor to wrong rows, and stays when a letter is
deleted. Here it flows through rows of its own, and what stands below makes room for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.document._document import EditResult
from textual.events import MouseEvent
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widgets.text_area import Edit as AreaEdit
from textual.widgets.text_area import Location

from assistant.completion.keystrokes import is_quiet
from assistant.edit import Edit
from assistant_tui.ghost_text import flowed, words
from assistant_tui.ordered_text_area import OrderedTextArea

_BEFORE, _AFTER = 1_200, 80
"""Characters around the cursor by which a suggestion for it is known."""
_ROOM = 2
"""Rows below the cursor that stay free where one writes, for what is suggested there."""
_HIGH = 12
"""Where there are fewer rows, the text needs them all."""


@dataclass(frozen=True, slots=True)
class _Laid:
    """What is suggested, as rows on the screen."""

    column: int
    row: int
    """Of the cursor, in rows of the wrapped text."""
    first: str
    """What stands in the cursor's row."""
    below: tuple[str, ...]
    rest: int
    """Cells that the letters behind the cursor take."""


class GhostTextArea(OrderedTextArea):
    """Asks nobody: it shows what is known at each key, and tells when something is wanted.

    It wraps its lines and has no line numbers.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss_ghost", "Not that", show=False),
    ]

    ghost: reactive[str] = reactive("")
    """What is suggested behind the cursor, in one line; empty for nothing."""

    class Wanted(Message):
        """Something was typed, and nothing is known to follow it."""

    class Edited(Message):
        """An edit was made, and left this text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Accepted(Message):
        """All that was suggested is about to be put into the text."""

    def __init__(self, **options: Any) -> None:
        self.follows: Callable[[str, str], str] | None = None
        """Says at once what could come between the text before the cursor and that behind it."""
        self._writing = False
        """Whether the cursor is where something was typed last."""
        self._accepting = ""
        self._laid: _Laid | None = None
        self._roomy: tuple[int, int, float] | None = None
        """The cursor's row, the height of the text and how far it was scrolled at the last key."""
        super().__init__(**options)

    @property
    def is_open_to_ghosts(self) -> bool:
        """Whether a suggestion may be shown at the cursor: one writes, and at a line's end.

        Marks may stand behind the cursor, such as a bracket, and letters may not.
        """
        if self.follows is None or self.read_only or not self._writing:
            return False
        row, column = self.cursor_location
        behind = self.document.get_line(row)[column:]
        return self.selection.is_empty and not any(map(str.isalnum, behind))

    def look_up(self) -> None:
        """Show what is known to come next."""
        known = ""
        if self.is_open_to_ghosts and self.follows is not None:
            known = self.follows(*self.around()).partition("\n")[0]
        self.ghost = known if known.strip() else ""

    def dismiss(self) -> None:
        """Show nothing until the next key."""
        self._writing = False
        self.ghost = ""

    def around(self) -> tuple[str, str]:
        """The text around the cursor, as much as is needed to know it again."""
        row, column = self.cursor_location
        lines = self.document.lines
        before, after = lines[row][:column], lines[row][column:]
        above, below = row - 1, row + 1
        while len(before) < _BEFORE and above >= 0:
            before, above = f"{lines[above]}\n{before}", above - 1
        while len(after) < _AFTER and below < len(lines):
            after, below = f"{after}\n{lines[below]}", below + 1
        return before, after

    # Keys ------------------------------------------------------------------------------------

    def edit(self, edit: AreaEdit) -> EditResult:
        """Change the text, and show what is known to follow."""
        typed = Edit(0, int(edit.from_location != edit.to_location), edit.text)
        quiet = is_quiet([typed], lambda text: text == self._accepting)
        result = super().edit(edit)
        self.post_message(self.Edited(self.document.text))
        self._writing = bool(edit.text) and not quiet
        self.look_up()
        if self._writing:
            self._make_room()
            if not self.ghost:
                self.post_message(self.Wanted())
        return result

    def undo(self) -> None:
        """Take the newest edits back."""
        super().undo()
        self.post_message(self.Edited(self.document.text))

    def redo(self) -> None:
        """Make the edits again that were taken back last."""
        super().redo()
        self.post_message(self.Edited(self.document.text))

    def update_suggestion(self) -> None:
        """Textual calls this when the text is another; `edit` looks for the next one behind it."""
        self.dismiss()

    def watch_selection(self) -> None:
        """A suggestion is for one place."""
        self.dismiss()

    def action_cursor_right(self, select: bool = False) -> None:
        """Take all that is suggested, or go right."""
        if select or not self._accept(self.ghost):
            super().action_cursor_right(select)

    def action_cursor_line_end(self, select: bool = False) -> None:
        """Take all that is suggested, or go to the line's end."""
        if select or not self._accept(self.ghost):
            super().action_cursor_line_end(select)

    def action_cursor_word_right(self, select: bool = False) -> None:
        """Take the next word of what is suggested, or go behind one."""
        if select or not self._accept(next(words(self.ghost), "")):
            super().action_cursor_word_right(select)

    def action_dismiss_ghost(self) -> None:
        """Take what is suggested away."""
        self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape has another meaning where nothing is suggested."""
        return bool(self.ghost) if action == "dismiss_ghost" else True

    def _accept(self, text: str) -> bool:
        """Put text in as one step that can be undone; returns whether there is any."""
        if not text:
            return False
        if text == self.ghost:
            self.post_message(self.Accepted())
        self._accepting = text
        self.history.checkpoint()
        self.insert(text)
        self.history.checkpoint()
        return True

    # Room ------------------------------------------------------------------------------------

    @property
    def _room(self) -> int:
        return _ROOM if self.follows is not None and self.size.height >= _HIGH else 0

    def _make_room(self) -> None:
        """Let rows below the cursor be seen; where only its column is another, they are."""
        place = (self.cursor_location[0], self.wrapped_document.height, self.scroll_offset.y)
        if place == self._roomy:
            return
        self._roomy = place
        if room := self._room:
            x, y = self.wrapped_document.location_to_offset(self.cursor_location)
            self.scroll_to_region(Region(x, y, 1, 1 + room), animate=False, force=True)

    def _refresh_size(self) -> None:
        self.virtual_size = Size(0, self.wrapped_document.height + self._room)
        self._refresh_scrollbars()

    def get_target_document_location(self, event: MouseEvent) -> Location:
        """What stands under the mouse; what is suggested stands where the cursor is."""
        target = Offset(event.x - self.gutter.left, event.y - self.gutter.top) + self.scroll_offset
        if (laid := self._laid_out()) is not None and target.y > laid.row:
            below = target.y - laid.row
            if below <= len(laid.below):
                return self.cursor_location
            target -= Offset(0, len(laid.below))
        return self.wrapped_document.offset_to_location(target)

    # What is drawn ---------------------------------------------------------------------------

    def watch_ghost(self) -> None:
        """The cursor's row is another."""
        self._line_cache.clear()

    def watch_has_focus(self, _has_focus: bool) -> None:
        """Nothing is suggested to who is elsewhere."""
        super().watch_has_focus(_has_focus)
        self._line_cache.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a part of the screen."""
        self._laid = self._laid_out()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """A row of the screen."""
        if (laid := self._laid) is None:
            return super().render_line(y)
        below = self.scroll_offset.y + y - laid.row
        if 0 < below <= len(laid.below):
            return self._ghost_row(laid.below[below - 1], laid.row - self.scroll_offset.y)
        return super().render_line(y - len(laid.below) if below > 0 else y)

    @property
    def _draw_cursor(self) -> bool:
        """Over what is suggested it is drawn apart."""
        return super()._draw_cursor and (self._laid is None or not self._laid.first)

    def _render_line(self, y: int) -> Strip:
        strip = super()._render_line(y)
        laid = self._laid
        if laid is None or not laid.first or self.scroll_offset.y + y != laid.row:
            return strip
        line, style = _edge(strip), self._ghost_style(strip)
        ghost = [Segment(laid.first, style)]
        if super()._draw_cursor and self._theme is not None and self._theme.cursor_style:
            cursor = style + self._theme.cursor_style
            ghost = [Segment(laid.first[:1], cursor), Segment(laid.first[1:], style)]
        behind = strip.crop(laid.column, laid.column + laid.rest)
        joined = Strip.join([strip.crop(0, laid.column), Strip(ghost), behind])
        return joined.adjust_cell_length(strip.cell_length, line)

    def _ghost_row(self, text: str, cursor_row: int) -> Strip:
        """A row below the cursor's, with the same ground."""
        strip = super().render_line(cursor_row)
        ghost = Strip([Segment(text, self._ghost_style(strip))])
        return ghost.adjust_cell_length(strip.cell_length, _edge(strip))

    def _ghost_style(self, strip: Strip) -> Style:
        muted = self.get_component_rich_style("text-area--suggestion")
        return _edge(strip) + Style(color=muted.color, dim=muted.dim)

    def _laid_out(self) -> _Laid | None:
        """Where what is suggested stands, if anything is."""
        if not self.ghost or not self.has_focus:
            return None
        row, column = self.cursor_location
        x, y = self.wrapped_document.location_to_offset((row, column))
        cuts = self.wrapped_document.get_offsets(row)
        line = self.document.get_line(row)
        end = next((cut for cut in cuts if cut > column), len(line))
        rest = cell_len(line[column:end].rstrip())
        below = self.scroll_offset.y + self.size.height - 1 - y
        most = 1 if rest or end < len(line) else 1 + max(0, min(_ROOM, below))
        width = self.wrap_width
        first, *others = flowed(self.ghost, max(0, width - x - rest), width, most)
        return _Laid(x, y, first, tuple(others), rest)


def _edge(strip: Strip) -> Style:
    """How the empty end of a row looks."""
    last = next((segment.style for segment in reversed(list(strip)) if segment.text), None)
    return last or Style()
