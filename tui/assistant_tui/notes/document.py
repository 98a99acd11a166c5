"""The text in the editor: byte by byte what the file has, with its syntax.

Textual's own document ends lines wherever Unicode says so, and gives all of them the same end: a
form feed or a mixture of line ends would be lost. Here a line ends with what ends the file's lines,
and everything else is a character like others.
"""

import re

from textual.document._document import Document, EditResult, Location, Newline
from textual.document._wrapped_document import WrappedDocument

from assistant_tui.notes.markdown_tree import MarkdownTree

_ANY_END = re.compile(r"\r\n|\r|\n")


class NoteDocument(Document):
    """Lines, and the tree of their Markdown."""

    def __init__(self, text: str) -> None:
        self._newline: Newline = newline_of(text)
        self._lines = text.split(self._newline)
        self._text: str | None = text
        self.tree = MarkdownTree(lambda: self._lines)

    @property
    def text(self) -> str:
        """The whole text, joined once for each edit."""
        if self._text is None:
            self._text = self._newline.join(self._lines)
        return self._text

    def replace_range(self, start: Location, end: Location, text: str) -> EditResult:
        """Put `text` in the place of what stands between two locations."""
        (row, column), (last, end_column) = sorted((start, end))
        removed = self.get_text_range(start, end)
        added = text.split("\n") if self._newline == "\n" else _ANY_END.split(text)
        self.tree.edit((row, column), removed.replace(self._newline, "\n"), "\n".join(added))
        tail = self._lines[last][end_column:]
        added[0] = self._lines[row][:column] + added[0]
        end_location = (row + len(added) - 1, len(added[-1]))
        added[-1] += tail
        self._lines[row : last + 1] = added
        self._text = None
        return EditResult(end_location, removed)

    def offset(self, location: Location) -> int:
        """The index into `text` of a location."""
        row, column = location
        return sum(map(len, self._lines[:row])) + row * len(self._newline) + column

    def location(self, offset: int) -> Location:
        """The location of an index into `text`; one inside a line end is the line's end."""
        size = len(self._newline)
        for row, line in enumerate(self._lines):
            if offset < len(line) + size:
                return row, min(offset, len(line))
            offset -= len(line) + size
        return self.end


class NoteWrapping(WrappedDocument):
    """Textual's wrapping, with a height that is known instead of added up at each row drawn."""

    @property
    def height(self) -> int:
        """How many rows the wrapped text has."""
        return len(self._offset_to_line_info)


def newline_of(text: str) -> Newline:
    """What ends every line of a text; `\\n` where that is not the same everywhere."""
    ends = set(_ANY_END.findall(text))
    return "\r\n" if ends == {"\r\n"} else "\r" if ends == {"\r"} else "\n"
