"""A document's text as the protocol sees it: lines end at `\\n`, `\\r\\n` and `\\r`, nowhere else.

pygls' own buffer splits lines as Python does, at form feeds and U+2028 too, which shifts every
position behind such a character; and it holds no version a request could be checked against.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lsprotocol import types

from assistant.edit import Edit, narrowed
from assistant_lsp.lines import Lines

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LARGE = 4096
"""Characters; so long a text for what stood there before is mostly what stood there before."""
_CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


@dataclass(frozen=True, slots=True)
class TextBuffer:
    """An immutable text with positions in one encoding; an edit makes a new one."""

    lines: Lines
    """Each with its line end; the last one has none and may be empty."""
    encoding: str

    @classmethod
    def of(cls, text: str, encoding: str) -> "TextBuffer":
        """The buffer of `text`; `encoding` is `utf-8`, `utf-16` or `utf-32`."""
        return cls(Lines.of(_split(_sound(text))), encoding)

    @property
    def text(self) -> str:
        """The whole text."""
        return self.lines.text

    @property
    def line_end(self) -> str:
        """The line end that the text uses, by its first line."""
        return self.lines[0][len(_content(self.lines[0])) :] or "\n"

    def replaced(self, edit: Edit) -> "TextBuffer":
        """The buffer with an edit made."""
        (first, head), (last, tail) = self.lines.place(edit.start), self.lines.place(edit.end)
        # The line before is split again too: its `\r` and a new `\n` make one line end together.
        begin = max(first - 1, 0)
        before = "".join(self.lines[begin:first]) + self.lines[first][:head]
        after = self.lines[last][tail:]
        middle = _split(before + edit.text + after)
        if last + 1 < len(self.lines):
            middle.pop()  # `after` ends with a line end: what follows it is the next line
        return TextBuffer(self.lines.replaced(begin, last + 1, middle), self.encoding)

    def fits(self, position: types.Position) -> bool:
        """Whether the text has such a position, so that it was made for this very text."""
        if position.line >= len(self.lines):
            return False
        content = _content(self.lines[position.line])
        return position.character <= self._units(content)

    def offset(self, position: types.Position) -> int:
        """The index into `text`; a position past a line's or the text's end means that end."""
        line, column = self._place(position)
        return self.lines.start(line) + column

    def position(self, offset: int) -> types.Position:
        """The position of an index into `text`."""
        line, column = self.lines.place(offset)
        return types.Position(line, self._units(_content(self.lines[line])[:column]))

    def span(self, start: int, end: int) -> types.Range:
        """The range between two indexes into `text`."""
        return types.Range(self.position(start), self.position(end))

    def _place(self, position: types.Position) -> tuple[int, int]:
        """Line and column in characters, clamped."""
        if position.line >= len(self.lines):
            return len(self.lines) - 1, len(self.lines[-1])
        return position.line, self._column(_content(self.lines[position.line]), position.character)

    def _column(self, content: str, character: int) -> int:
        """Inside a character means before it."""
        if content.isascii():
            return min(character, len(content))
        codec, size = _CODECS[self.encoding]
        return len(content.encode(codec)[: character * size].decode(codec, errors="ignore"))

    def _units(self, content: str) -> int:
        if content.isascii():
            return len(content)
        codec, size = _CODECS[self.encoding]
        return len(content.encode(codec)) // size


def _split(text: str) -> list[str]:
    lines: list[str] = _LINE.findall(text)
    if not lines or lines[-1][-1] in "\r\n":
        lines.append("")
    return lines


def _content(line: str) -> str:
    return line.rstrip("\r\n")


def _sound(text: str) -> str:
    """Half a surrogate pair cannot be written as UTF-8; U+FFFD is as long in every encoding."""
    try:
        text.encode()  # twenty times as fast as a search
        return text
    except UnicodeEncodeError:
        pass
    return _LONE_SURROGATE.sub("\ufffd", text)


def changed(
    buffer: TextBuffer, changes: Sequence[types.TextDocumentContentChangeEvent]
) -> tuple[TextBuffer, list[Edit]]:
    """The buffer after the changes of one notification, and these as edits, each of the text that
    the one before it left.

    Of an edit that repeats much of what was there, what it changes is given: whoever looks at the
    edits, at each key, would search through the whole document otherwise.
    """
    edits: list[Edit] = []
    for change in changes:
        new = _sound(change.text)
        if isinstance(change, types.TextDocumentContentChangePartial):
            places = (buffer.offset(change.range.start), buffer.offset(change.range.end))
            edit = Edit(min(places), max(places), new)
            if len(new) > _LARGE and edit.start < edit.end:
                edit = narrowed(edit, buffer.text[edit.start : edit.end])
        else:
            old = buffer.text
            edit = narrowed(Edit(0, len(old), new), old)
        edits.append(edit)
        buffer = buffer.replaced(edit)
    return buffer, edits
