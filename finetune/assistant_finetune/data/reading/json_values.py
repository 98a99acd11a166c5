"""JSON values one behind the other: the elements of a large array, or records of several lines.

A parser of events would neither tell lines nor go on behind a broken element. Here the text is read
in pieces, Python's own decoder takes one value after the other from it, and behind a broken one
reading goes on at the next line that begins as the first element did.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

from assistant_finetune.data.reading.record import LONGEST, reason_of

_PIECE = 2**20
_BETWEEN = re.compile(r"[\s,\ufeff]*")
_SPACE = re.compile(r"[\s\ufeff]*")
_BYTES = re.compile("[\udc80-\udcff]")
"""What was no UTF-8, as `surrogateescape` reads it."""
_AT_END = 16
"""Characters: an error so near to the end of what was read may be due to what is not read yet."""
LISTS = ("data", "train", "rows", "examples", "records", "trees")
"""Under these names files hold their records."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value, and the line it begins in."""

    value: Any
    line: int


@dataclass(frozen=True, slots=True)
class Broken:
    """Text that is no value."""

    text: str
    line: int
    reason: str


class ValueReader:
    """Reads the values of one document, as it is read itself."""

    def __init__(self, stream: TextIO) -> None:
        """`stream` is decoded with `surrogateescape`."""
        self._stream = stream
        self._decoder = json.JSONDecoder()
        self._text = ""
        self._place = 0
        self._line = 1
        self._ended = False
        self._indent: str | None = None
        self._lost = False

    def values(self) -> Iterator[Found | Broken]:
        """The elements of an array, of the array that an object wraps, or the values in a row."""
        self._more()
        self._skip(_SPACE)
        inside = self._enter()
        while True:
            self._skip(_BETWEEN)
            if self._at_end():
                if inside and not self._lost:
                    yield Broken("", self._line, "the file breaks off: its list is not closed")
                return
            if inside and self._text[self._place] == "]":
                yield from self._rest()
                return
            yield self._next()

    def _enter(self) -> bool:
        """Go into the array that holds the records, if there is one."""
        if self._text.startswith("[", self._place):
            self._place += 1
            return True
        start = self._place
        for name, place in self._keys():
            if name in LISTS and self._text.startswith("[", place):
                self._line += self._text.count("\n", start, place)
                self._place = place + 1
                return True
        return False

    def _keys(self) -> Iterator[tuple[str, int]]:
        """The names of the object here, and where their values begin, as far as they are read."""
        place = self._place
        if not self._text.startswith("{", place):
            return
        place = self._after(_SPACE, place + 1)
        try:
            while self._text.startswith('"', place):
                name, place = self._decoder.raw_decode(self._text, place)
                place = self._after(re.compile(r"\s*:\s*"), place)
                yield name, place
                _, place = self._decoder.raw_decode(self._text, place)
                place = self._after(_BETWEEN, place)
        except (ValueError, RecursionError):
            return

    def _after(self, pattern: re.Pattern[str], place: int) -> int:
        match = pattern.match(self._text, place)
        return match.end() if match else place

    def _next(self) -> Found | Broken:
        line = self._line
        if self._indent is None:
            self._indent = self._own_indent()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._place)
            except json.JSONDecodeError as error:
                if self._may_go_on(error) and self._more():
                    continue
                return self._broken(reason_of(error, self._place))
            except RecursionError:
                return self._broken("nested too deeply")
            except ValueError:
                return self._broken("it holds a number that is too long")
            if end == len(self._text) and self._more():
                continue  # a number may go on
            text = self._text[self._place : end]
            self._advance(end)
            if found := _BYTES.search(text):
                reason = f"not UTF-8: byte behind character {found.start()} is none"
                return Broken(text, line, reason)
            return Found(value, line)

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Whether the value may be whole once more is read."""
        unread = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _AT_END
        return unread and len(self._text) - self._place <= LONGEST

    def _broken(self, reason: str) -> Broken:
        """Pass over what is broken, up to where the next record seems to begin."""
        line = self._line
        indent = self._indent or ""
        # A bracket that stands further left than the elements closes their list.
        closing = rf"[ \t]{{0,{max(0, len(indent) - 1)}}}(?=\])"
        start = re.compile(rf"\n(?:{re.escape(indent)}(?=[{{\[])|{closing})")
        text = ""
        while (found := start.search(self._text, self._place + 1)) is None:
            # Only what may be the begin of a match is kept, and only some of the rest.
            text = (text + self._text[self._place :])[:LONGEST]
            self._advance(len(self._text))
            if not self._more():
                self._lost = True
                return Broken(text, line, reason)
        text += self._text[self._place : found.start()]
        self._advance(found.start())
        return Broken(text, line, reason)

    def _own_indent(self) -> str:
        """The blanks between the line's begin and the value here."""
        begin = self._text.rfind("\n", 0, self._place) + 1
        blanks = self._text[begin : self._place]
        return blanks if not blanks.strip() else ""

    def _rest(self) -> Iterator[Broken]:
        """What stands behind the array should be nothing, or the end of what wraps it."""
        self._place += 1
        self._skip(_SPACE)
        if not self._at_end() and self._text[self._place] not in ",}":
            rest = self._text[self._place :][:200]
            yield Broken(rest, self._line, "the list is closed, and the file goes on")

    def _skip(self, pattern: re.Pattern[str]) -> None:
        while True:
            self._advance(self._after(pattern, self._place))
            if self._place < len(self._text) or not self._more():
                return

    def _at_end(self) -> bool:
        return self._place >= len(self._text)

    def _advance(self, place: int) -> None:
        self._line += self._text.count("\n", self._place, place)
        self._place = place

    def _more(self) -> bool:
        """Read on; returns whether there was anything."""
        if self._ended:
            return False
        # A record that is large already is read on in steps as large, to be parsed less often.
        piece = self._stream.read(max(_PIECE, len(self._text) - self._place))
        self._ended = not piece
        keep = max(0, self._text.rfind("\n", 0, self._place))
        keep = keep if self._place - keep < _PIECE else self._place
        self._text = self._text[keep:] + piece
        self._place -= keep
        return bool(piece)
