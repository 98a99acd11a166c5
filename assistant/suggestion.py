"""What of a model's raw output is worth showing at the cursor. Pure text in, text out."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from assistant.circles import circle_start

_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_QUOTES = "\"'`"
_TELLING = 3
"""So many letters or digits make an overlap a repetition; fewer, such as `)`, may be meant."""


class Output(Protocol):
    """A model's output as it comes."""

    finish: Literal["stop", "length"] | None
    """Once it has ended, whether it was finished or its length was; None if nobody says."""

    def __aiter__(self) -> AsyncIterator[str]: ...


@dataclass(frozen=True, slots=True)
class Spot:
    """A cursor in a text, and how much may be suggested there."""

    line: str
    """What stands left of the cursor on its line."""
    after: str
    """What stands right of and below the cursor, with `\\n` as line end."""
    max_lines: int

    @property
    def rest(self) -> str:
        """What stands right of the cursor on its line."""
        return self.after.partition("\n")[0]

    @property
    def wanted(self) -> bool:
        """Whether a suggestion could help; in front of letters it would break a word apart."""
        return not (self.rest[:1].isalnum() or self.rest[:1] == "_")

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
        if self.single_line:
            return "\n" in text
        text = text.lstrip()
        return _BLANK_LINE.search(text) is not None or text.count("\n") >= self.max_lines

    def suggestion(self, raw: str, *, cut: bool) -> str:
        """The text to show, with `\\n` as line end, or empty for nothing.

        `cut` says that the output ended because it was long enough, not because it was finished.
        """
        text = raw.replace("\r\n", "\n").replace("\r", "\n")
        whole_lines = text.rpartition("\n")[0]
        if cut and not self.enough(raw) and whole_lines.strip():
            text = whole_lines
        lines = self._shown(text)
        lines = lines[: min(self._repetition(lines), _circle(lines))]
        # An answer that was cut within a character ends in a replacement character.
        shown = "\n".join(lines).rstrip().rstrip("\N{REPLACEMENT CHARACTER}")
        text = self._without_overlap(shown)
        return text if text.strip() else ""

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
        if not below or self.single_line:
            return len(lines)
        whole = [(self.line if n == 0 else "") + line.rstrip() for n, line in enumerate(lines)]
        for number, line in enumerate(whole):
            same = line == below[0]
            if same and (
                _letters(line) >= _TELLING or whole[number:] == below[: len(whole) - number]
            ):
                return number
        return len(lines)

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
            return any(whole.count(c) > whole.count(_CLOSING[c]) for c in overlap if c in _CLOSING)
        if any(c in _QUOTES for c in overlap):
            return any(whole.count(c) % 2 for c in overlap if c in _QUOTES)
        return True


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
