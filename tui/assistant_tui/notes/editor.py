"""The editor: Textual's text area over a document that keeps every byte, with Markdown's syntax."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.document._document import Selection
from textual.document._document_navigator import DocumentNavigator
from textual.geometry import Region
from textual.strip import Strip

from assistant.edit import Edit, narrowed
from assistant_tui.controls import visible
from assistant_tui.ghost_text_area import GhostTextArea
from assistant_tui.notes.document import NoteDocument, NoteWrapping
from assistant_tui.notes.lists import entered
from assistant_tui.notes.markdown_tree import MarkdownTree, Span
from assistant_tui.ordered_text_area import OrderedTextArea
from assistant_tui.themes import markdown_theme

_THEME = "note"
_LATE_SECONDS = 0.25
_MOST_DRAWN = 500
"""So many rows are kept as they were drawn."""


class _Rows(dict[int, list[Span]]):
    """The styles of rows, found when a row is drawn."""

    def __init__(self, tree: MarkdownTree) -> None:
        super().__init__({-1: []})  # Textual takes an empty one for no syntax at all
        self._tree = tree

    def __missing__(self, row: int) -> list[Span]:
        return self._tree.spans(row)


def _named(bindings: Iterable[BindingType]) -> list[BindingType]:
    """Textual's keys, each with a name by which the user's settings can change it."""
    return [
        replace(one, id=one.action.replace("(True)", "_select"))
        for one in bindings
        if isinstance(one, Binding)
    ]


class NoteEditor(GhostTextArea, inherit_bindings=False):
    """A note's text."""

    BINDINGS: ClassVar[list[BindingType]] = _named(
        [
            *OrderedTextArea.BINDINGS,
            *GhostTextArea.BINDINGS,
            Binding("ctrl+home", "note_start", "Begin of the note", show=False),
            Binding("ctrl+end", "note_end", "End of the note", show=False),
            Binding("ctrl+shift+home", "note_start(True)", "Select to the begin", show=False),
            Binding("ctrl+shift+end", "note_end(True)", "Select to the end", show=False),
        ]
    )

    def __init__(self, **options: Any) -> None:
        self._drawn: LRUCache[object, Strip] = LRUCache(_MOST_DRAWN)
        self._look = 0
        """Another number for each set of colours."""
        self._now: tuple[object, ...] = ()
        """What all rows are drawn with, found once for all of them."""
        super().__init__(
            soft_wrap=True,
            tab_behavior="indent",
            show_line_numbers=False,
            max_checkpoints=500,
            highlight_cursor_line=True,
            **options,
        )
        self.indent_width = 2
        self.match_cursor_bracket = False

    def on_mount(self) -> None:
        """Draw what was not parsed in time."""
        self.set_interval(_LATE_SECONDS, self._catch_up)

    def _catch_up(self) -> None:
        if self.note.tree.is_late:
            self._line_cache.clear()
            self.refresh()

    # The text --------------------------------------------------------------------------------

    @property
    def note(self) -> NoteDocument:
        """The document."""
        assert isinstance(self.document, NoteDocument)
        return self.document

    @property
    def offsets(self) -> tuple[int, int]:
        """The selection as indexes into the text, the first one first."""
        start, end = sorted(self.selection)
        return self.note.offset(start), self.note.offset(end)

    def open(self, text: str) -> None:
        """Show another text; nothing of the one before can be undone."""
        self.load_text(text)

    def become(self, text: str) -> bool:
        """Change to `text` in one step that can be undone; returns whether it was another.

        The cursor stays at its words.
        """
        old = self.note.text
        if text == old:
            return False
        edit = _on_whole_ends(narrowed(Edit(0, len(old), text), old), old)
        places = [_moved(self.note.offset(one), edit) for one in self.selection]
        self.history.checkpoint()
        self.replace(edit.text, self.note.location(edit.start), self.note.location(edit.end))
        self.history.checkpoint()
        self.selection = Selection(*(self.note.location(place) for place in places))
        self.dismiss()  # nobody has typed this
        return True

    def go_to(self, row: int) -> None:
        """Put the cursor at the begin of a row, in the middle of the screen."""
        self.move_cursor((min(row, self.document.line_count - 1), 0), center=True)

    # Keys ------------------------------------------------------------------------------------

    def action_note_start(self, select: bool = False) -> None:
        """Go to the note's first character."""
        self.move_cursor(self.document.start, select=select)

    def action_note_end(self, select: bool = False) -> None:
        """Go behind the note's last character."""
        self.move_cursor(self.document.end, select=select)

    async def _on_key(self, event: events.Key) -> None:
        in_list = event.key == "enter" and not self.read_only and self._enter_in_list()
        if in_list or await self._run_own(event.key):
            event.stop()
            event.prevent_default()
        elif event.key != "escape":  # that does not leave the editor by itself
            await super()._on_key(event)
        # While keys wait here, Textual gives nobody else a turn: not even to who saves them.
        await asyncio.sleep(0)

    def _enter_in_list(self) -> bool:
        """Begin the next item of a list, or end the list; returns whether the cursor is in one."""
        start, end = self.selection
        row, column = end
        found = entered(self.document.get_line(row), column) if start == end else None
        if found is None:
            return False
        if found.ends_list:
            self.replace("", (row, 0), (row, len(self.document.get_line(row))))
        else:
            self.insert(f"\n{found.mark}")
        return True

    # What is drawn ---------------------------------------------------------------------------

    def get_line(self, line_index: int) -> Text:
        """A line as it is drawn: control characters have pictures, so that each has its place."""
        line = visible(self.document.get_line(line_index))
        return Text(line, end="", no_wrap=True)

    def use_colours(self, variables: Mapping[str, str]) -> None:
        """Take the syntax's colours from the app's theme."""
        self._look += 1
        self.register_theme(markdown_theme(_THEME, variables))
        self.theme = _THEME

    def _set_document(self, text: str, language: str | None) -> None:
        document = NoteDocument(text)
        self.document = document
        self.wrapped_document = NoteWrapping(document, tab_width=self.indent_width)
        self.navigator = DocumentNavigator(self.wrapped_document)
        self._highlights = _Rows(document.tree)
        self._line_cache.clear()
        self.move_cursor((0, 0))
        self._rewrap_and_refresh_virtual_size()

    def _build_highlight_map(self) -> None:
        self._line_cache.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a part of the screen."""
        self._now = (self.size.width, self.scroll_offset.x, self.rich_style, self._look)
        return super().render_lines(crop)

    def _render_line(self, y: int) -> Strip:
        """A row as it was drawn before, if nothing of it has changed.

        Textual draws every row anew at each key.
        """
        place = self.scroll_offset.y + y
        rows = self.wrapped_document._offset_to_line_info
        if place >= len(rows):
            return super()._render_line(y)
        row, section = rows[place]
        start, end = sorted(self.selection)
        if start[0] <= row <= end[0]:
            return super()._render_line(y)
        spans = tuple(self.note.tree.spans(row))
        cuts = tuple(self.wrapped_document.get_offsets(row))
        key = (self.document.get_line(row), section, cuts, spans, self._now)
        if (known := self._drawn.get(key)) is None:
            known = self._drawn[key] = super()._render_line(y)
        return known

    def _on_resize(self) -> None:
        """Lines are wrapped anew where there is another width for them, and not for a height."""
        if self.wrap_width != self.wrapped_document._width:
            super()._on_resize()


def _on_whole_ends(edit: Edit, old: str) -> Edit:
    """The edit with no half of a line end of two characters outside."""
    start = edit.start - old.startswith("\r\n", edit.start - 1) if edit.start else 0
    cut = edit.end > 0 and old.startswith("\r\n", edit.end - 1)
    head, tail = old[start : edit.start], "\n" if cut else ""
    return Edit(start, edit.end + len(tail), head + edit.text + tail)


def _moved(place: int, edit: Edit) -> int:
    """Where a place of the old text is after an edit."""
    if place <= edit.start:
        return place
    if place >= edit.end:
        return place + len(edit.text) - (edit.end - edit.start)
    return min(place, edit.start + len(edit.text))
