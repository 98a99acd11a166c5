"""Markdown's syntax for an editor: a tree that follows the edits, asked for the rows on the screen.

Tree-sitter has two grammars for Markdown: one for blocks, kept as a tree of the whole note, and one
for what stands inside a line, which is parsed for the blocks that are seen.
"""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache

import tree_sitter_markdown
from tree_sitter import Language, Node, Parser, Query, QueryCursor, Tree

Span = tuple[int, int | None, str]
"""First byte of a row, the byte behind the last (None: the row's end), and the style's name."""

_BLOCKS = Language(tree_sitter_markdown.language())
_INLINE = Language(tree_sitter_markdown.inline_language())
_BLOCK_QUERY = Query(
    _BLOCKS,
    """
    (atx_heading) @heading
    (setext_heading) @heading
    (minus_metadata) @front.matter
    (plus_metadata) @front.matter
    (fenced_code_block) @code.block
    (indented_code_block) @code.block
    (info_string) @code.language
    (html_block) @html
    (link_reference_definition) @link.uri
    (pipe_table_header) @table.header
    (pipe_table_delimiter_row) @marker
    (thematic_break) @marker
    (block_quote) @quote
    [(list_marker_plus) (list_marker_minus) (list_marker_star) (list_marker_dot)
     (list_marker_parenthesis)] @list.marker
    [(task_list_marker_checked) (task_list_marker_unchecked)] @list.marker
    [(atx_h1_marker) (atx_h2_marker) (atx_h3_marker) (atx_h4_marker) (atx_h5_marker)
     (atx_h6_marker) (setext_h1_underline) (setext_h2_underline)] @heading.marker
    (fenced_code_block_delimiter) @marker
    (block_quote_marker) @marker
    """,
)
_INLINES = Query(_BLOCKS, "[(inline) (pipe_table_cell)] @inline")
_INLINE_QUERY = Query(
    _INLINE,
    """
    (strong_emphasis) @strong
    (emphasis) @emphasis
    (strikethrough) @strikethrough
    (code_span) @code
    [(link_text) (image_description) (shortcut_link)] @link.text
    [(link_destination) (uri_autolink) (email_autolink)] @link.uri
    [(emphasis_delimiter) (code_span_delimiter)] @marker
    (backslash_escape) @marker
    """,
)
_AT_ONCE = 0.002
"""Seconds; a text that takes longer to parse is parsed in a pause, so that no key waits for it."""
_PAUSE = 0.1
_LATEST = 2.0
"""Seconds without a pause, after which one key does wait."""
_LONGEST_INLINE = 20_000
"""Bytes; a longer paragraph is shown without the styles inside its lines."""


class MarkdownTree:
    """The tree of lines that somebody edits."""

    def __init__(self, lines: Callable[[], Sequence[str]]) -> None:
        """`lines` gives the text as it is now, without line ends."""
        self._lines = lines
        self._parser = Parser(_BLOCKS)
        self._tree: Tree | None = None
        self._bytes = b""
        self._rows: dict[int, list[Span]] = {}
        self._cost = 0.0
        """Seconds that it took to parse the text last."""
        self._parsed_at = 0.0
        self._edited_at = 0.0
        self.is_late = True
        """Whether there were edits since the text was parsed. The tree knows where they are, and is
        right but for them."""

    def edit(self, start: tuple[int, int], removed: str, added: str) -> None:
        """Take in an edit at row and column `start`; call it before the lines change.

        Texts have `\\n` as line end.
        """
        self._rows.clear()
        self.is_late = True
        self._edited_at = time.monotonic()
        if self._tree is None:
            return
        lines = self._lines()
        above = sum(len(line.encode("utf-8", "replace")) + 1 for line in lines[: start[0]])
        column = len(_encoded(lines[start[0]][: start[1]]))
        begin, new = above + column, _encoded(added)
        end = begin + len(_encoded(removed))
        self._bytes = self._bytes[:begin] + new + self._bytes[end:]
        self._tree.edit(
            begin,
            end,
            begin + len(new),
            (start[0], column),
            _end(start[0], column, removed),
            _end(start[0], column, added),
        )

    def spans(self, row: int) -> list[Span]:
        """The styled spans of one row, outer ones before inner ones."""
        now = time.monotonic()
        if self.is_late and self._is_time(now):
            self._rows.clear()
            self._parse()
            self._parsed_at = time.monotonic()
            self._cost = self._parsed_at - now
        if (known := self._rows.get(row)) is None:
            known = self._rows[row] = self._found(row)
        return known

    def _is_time(self, now: float) -> bool:
        """Whether to parse now."""
        quiet, stale = now - self._edited_at, now - self._parsed_at
        return self._cost <= _AT_ONCE or quiet >= _PAUSE or stale >= _LATEST

    def _parse(self) -> None:
        self._bytes = _encoded("\n".join(self._lines()) + "\n")
        old = () if self._tree is None else (self._tree,)
        self._tree = self._parser.parse(self._bytes, *old)
        self.is_late = False

    def _found(self, row: int) -> list[Span]:
        assert self._tree is not None
        spans: list[Span] = []
        for name, nodes in _captures(_BLOCK_QUERY, self._tree.root_node, row).items():
            spans += [span for node in nodes if (span := _on_row(node, row, name)) is not None]
        for node in _captures(_INLINES, self._tree.root_node, row).get("inline", ()):
            spans += self._inside(node, row)
        return sorted(spans, key=lambda span: (span[0], -(span[1] or 1 << 30)))

    def _inside(self, node: Node, row: int) -> list[Span]:
        first, column = node.start_point
        content = self._bytes[node.start_byte : node.end_byte]
        if len(content) > _LONGEST_INLINE:
            return []
        moved = column if row == first else 0
        return [
            (start + moved, None if end is None else end + moved, name)
            for start, end, name in _inline_rows(content).get(row - first, ())
        ]


def _captures(query: Query, node: Node, row: int) -> dict[str, list[Node]]:
    cursor = QueryCursor(query)
    cursor.set_point_range((row, 0), (row + 1, 0))
    return cursor.captures(node)


def _on_row(node: Node, row: int, name: str) -> Span | None:
    (first, start), (last, end) = node.start_point, node.end_point
    if not first <= row <= last or (row == last and end == 0):
        return None
    return (start if row == first else 0), (end if row == last else None), name


@lru_cache(maxsize=512)
def _inline_rows(content: bytes) -> dict[int, list[Span]]:
    """The spans of each row of what stands inside a block."""
    found: dict[int, list[Span]] = {}
    root = Parser(_INLINE).parse(content).root_node
    for name, nodes in QueryCursor(_INLINE_QUERY).captures(root).items():
        for node in nodes:
            for row in range(node.start_point[0], node.end_point[0] + 1):
                if (span := _on_row(node, row, name)) is not None:
                    found.setdefault(row, []).append(span)
    return found


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _end(row: int, column: int, text: str) -> tuple[int, int]:
    """Row and byte behind a text that begins at a place."""
    lines = text.split("\n")
    last = len(_encoded(lines[-1]))
    return row + len(lines) - 1, last + (column if len(lines) == 1 else 0)
