"""What of a model's raw output is worth showing at the cursor. Pure text in, text out."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from assistant.circles import circle_start
from assistant.syntax import Extent, extent_at, fit, in_unit, unit_of

_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_BEGINNING = re.compile(r"[ \t]*\S?")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_QUOTES = "\"'`"
_SENTENCE = re.compile(
    r"[.!?…]['\"\u201d\u2019)\]*_]*(?=\s)"
    r"|[。！？…]+[\u201d\u2019」』）]*(?=[^。！？…\u201d\u2019」』）])"
)
"""The end of one, with something behind it: before that comes, `3.` may be the begin of `3.5`."""
_TELLING = 3
"""So many letters or digits make an overlap a repetition; fewer, such as `)`, may be meant."""


class Output(Protocol):
    """A model's output as it comes."""

    finish: Literal["stop", "length"] | None
    """Once it has ended, whether it was finished or its length was; None if nobody says."""

    def __aiter__(self) -> AsyncIterator[str]: ...


@dataclass(frozen=True)
class Spot:
    """A cursor in a text, and how much may be suggested there.

    Where its language has a grammar, the syntax says how far a suggestion goes; elsewhere, a blank
    line ends it.
    """

    before: str
    """What stands before the cursor, or the end of it, with `\\n` as line end."""
    after: str
    """What stands right of and below the cursor."""
    max_lines: int
    language: str = ""
    """The editor's name of it."""
    one_sentence: bool = False
    """Whether a suggestion of prose ends with its first sentence."""

    @cached_property
    def extent(self) -> Extent | None:
        """How far a suggestion goes, or None where there is no syntax that tells."""
        return extent_at(self.language, self.before, self.after)

    @property
    def line(self) -> str:
        """What stands left of the cursor on its line."""
        return self.before.rpartition("\n")[2]

    @property
    def rest(self) -> str:
        """What stands right of the cursor on its line."""
        return self.after.partition("\n")[0]

    @property
    def wanted(self) -> bool:
        """Whether a suggestion could help.

        In front of letters it would break a word apart, and in the indent of code push that away.
        """
        if self.rest[:1].isalnum() or self.rest[:1] == "_":
            return False
        in_indent = not self.line.strip() and self.rest[:1].isspace() and self.rest.strip()
        return not (in_indent and self.extent is not None)

    @property
    def single_line(self) -> bool:
        """Text right of the cursor would end up behind the last line of a longer suggestion."""
        return bool(self.rest.strip())

    async def read(self, output: Output) -> str:
        """The suggestion in a model's output, of which no more is read than can be shown."""
        raw = ""
        async for piece in output:
            raw += piece
            if self.enough(raw):
                break
        return self.suggestion(raw, cut=output.finish == "length")

    def enough(self, raw: str) -> bool:
        """Whether what may still come would not be shown anyway."""
        text = raw.replace("\r\n", "\n")
        if circle_start(text.rpartition("\n")[2]) is not None:
            return True
        if self.one_sentence and _sentence_end(text) is not None:
            return True
        if "\n" not in text:
            return False
        if text.lstrip().count("\n") >= self.max_lines:
            return True
        if self.single_line and (self.extent is None or not text.partition("\n")[0].strip()):
            return True
        if self.extent is None:
            return _BLANK_LINE.search(text.lstrip()) is not None
        return fit(self.extent, self._in_unit(_telling(text))).ended

    def suggestion(self, raw: str, *, cut: bool) -> str:
        """The text to show, with `\\n` as line end, or empty for nothing.

        `cut` says that the output ended because it was long enough, not because it was finished.
        """
        text = raw.replace("\r\n", "\n").replace("\r", "\n")
        whole_lines = text.rpartition("\n")[0]
        if cut and not self.enough(raw):
            text = whole_lines if whole_lines.strip() else self._whole_words(text)
        if self.one_sentence and (end := _sentence_end(text)) is not None:
            text = text[:end]
        lines = self._shown(text) if self.extent is None else self._fitting(text, self.extent, cut)
        lines = lines[: min(self._repetition(lines), _circle(lines))]
        # An answer that was cut within a character ends in a replacement character.
        shown = "\n".join(lines).rstrip().rstrip("\N{REPLACEMENT CHARACTER}")
        text = self._without_overlap(shown)
        return text if text.strip() else ""

    def _whole_words(self, text: str) -> str:
        """A sentence that was cut, without the word that was."""
        words = text.rpartition(" ")[0]
        return words if self.one_sentence and words.strip() else text

    @cached_property
    def _unit(self) -> str | None:
        """What the file is indented by."""
        return unit_of(self.before, self.after)

    def _in_unit(self, text: str) -> str:
        return in_unit(text, self.line, self._unit)

    def _fitting(self, text: str, extent: Extent, cut: bool) -> list[str]:
        """The lines that the syntax has room for, and not too many."""
        text = self._in_unit(text)
        room = fit(extent, text)
        lines = text[: room.end].split("\n")
        if self.single_line:
            size = room.whole.index(True) + 1 if True in room.whole else 0
            return lines[:size] if lines[0].strip() and size <= self.max_lines else []
        begin = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
        size = begin + self.max_lines
        if size < len(lines) or (cut and not room.ended):
            # What is not all there ends where no call or list is left open, if anywhere.
            whole = [n + 1 for n, closed in enumerate(room.whole[:size]) if closed and n >= begin]
            size = max(whole, default=size)
        return lines[:size]

    def _shown(self, text: str) -> list[str]:
        """The lines up to the first blank one behind a line with text, and not too many."""
        lines = text.split("\n")
        if self.single_line:
            return lines[:1]
        begin = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
        blank = (n for n in range(begin + 1, len(lines)) if not lines[n].strip())
        end = next(blank, len(lines))
        return lines[: min(end, begin + self.max_lines)]

    def _repetition(self, lines: Sequence[str]) -> int:
        """Where `lines` begin to say again what stands below the cursor."""
        below = [line.rstrip() for line in self.after.split("\n")[1:] if line.strip()]
        if not below or (self.single_line and self.extent is None):
            return len(lines)
        whole = [(self.line if n == 0 else "") + line.rstrip() for n, line in enumerate(lines)]
        for number, line in enumerate(whole):
            same = line == below[0]
            if same and (
                _letters(line) >= _TELLING or whole[number:] == below[: len(whole) - number]
            ):
                return number
            if self._moved(whole, number, below[0]):
                return number
        return len(lines)

    def _moved(self, whole: Sequence[str], number: int, below: str) -> bool:
        """Whether a line of code is the one below with another indent.

        One that stands deeper than the line before it is in a block of its own.
        """
        line = whole[number]
        if self.extent is None or line.strip() != below.strip():
            return False
        if _letters(line) < _TELLING or self.extent.is_closer(line):
            return False
        above = [upper for upper in whole[:number] if upper.strip()]
        return not above or _depth(line) <= _depth(above[-1])

    def _without_overlap(self, text: str) -> str:
        """`text` without an end that stands right of the cursor already."""
        for size in range(min(len(text), len(self.after)), 0, -1):
            overlap = self.after[:size]
            if overlap.strip() and text.endswith(overlap):
                if _letters(overlap) >= _TELLING or self._doubled(text, overlap.strip()):
                    return text[:-size].rstrip()
                break
        return text

    def _doubled(self, text: str, overlap: str) -> bool:
        """Whether a short overlap is one too many, as the line's brackets and quotes tell."""
        whole = self.line + text.rpartition("\n")[2] + self.rest
        if any(c in _CLOSING for c in overlap):
            if self.extent is not None and not self.extent.in_text:
                return False  # the syntax has seen to those
            return any(whole.count(c) > whole.count(_CLOSING[c]) for c in overlap if c in _CLOSING)
        if any(c in _QUOTES for c in overlap):
            return any(whole.count(c) % 2 for c in overlap if c in _QUOTES)
        return True


def _sentence_end(text: str) -> int | None:
    """Where the first sentence ends, if it does: one that says something, not the number of an
    item or the end of the sentence before."""
    begin = next((place for place, c in enumerate(text) if c.isalpha()), len(text))
    found = _SENTENCE.search(text, begin)
    return found.end() if found else None


def _telling(text: str) -> str:
    """The whole lines of an output, and where its last line begins: more tells nothing new."""
    lines, end, last = text.rpartition("\n")
    found = _BEGINNING.match(last)
    return lines + end + (found[0] if found else "")


def _circle(lines: Sequence[str]) -> int:
    """Where a model that is out of its depth begins to say the same again and again."""
    for number, line in enumerate(lines):
        if circle_start(line) is not None:
            return number
        if line.strip() and number > 1 and lines[number - 2] == lines[number - 1] == line:
            return number - 1
    return len(lines)


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
