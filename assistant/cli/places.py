"""Places in files as they are written on the command line: `FILE:LINE:COL`, `FILE:FROM-TO`."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import UsageError


@dataclass(frozen=True)
class Place:
    """A cursor in a file. Lines and columns count from 1, columns in characters."""

    path: Path
    line: int
    column: int | None
    """None is the line's end."""


@dataclass(frozen=True)
class Span:
    """Whole lines of a file, both ends included; None is the whole file."""

    path: Path
    lines: tuple[int, int] | None


def parse_place(argument: str) -> Place:
    """Read `FILE:LINE[:COL]`. Raises UsageError when it is something else."""
    match = re.fullmatch(r"(.+?):(\d+)(?::(\d+))?", argument)
    if match is None or int(match[2]) < 1 or match[3] == "0":
        raise UsageError(f"{argument}: name a place as FILE:LINE or FILE:LINE:COL, from 1")
    return Place(Path(match[1]), int(match[2]), int(match[3]) if match[3] else None)


def parse_span(argument: str) -> Span:
    """Read `FILE[:FROM-TO]` or `FILE:LINE`. Raises UsageError when the lines are reversed."""
    match = re.fullmatch(r"(.+?):(\d+)(?:-(\d+))?", argument)
    if match is None or Path(argument).exists():
        return Span(Path(argument), None)
    first, last = int(match[2]), int(match[3] or match[2])
    if not 1 <= first <= last:
        raise UsageError(f"{argument}: name lines as FILE:FROM-TO, from 1, FROM not behind TO")
    return Span(Path(match[1]), (first, last))


def read_text(path: Path) -> str:
    """The file's text with its line ends as they are. `-` is standard input.

    Raises UsageError when it cannot be read or is not UTF-8.
    """
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text (byte {error.start + 1})") from error


def cursor_offset(text: str, place: Place) -> int:
    """The offset of `place` in `text`. Raises UsageError when the file has no such place."""
    lines = text.split("\n")
    if place.line > len(lines):
        raise UsageError(f"{place.path} has {len(lines)} lines, not {place.line}")
    line = lines[place.line - 1].removesuffix("\r")
    column = len(line) if place.column is None else place.column - 1
    if column > len(line):
        raise UsageError(
            f"line {place.line} of {place.path} has {len(line)} characters:"
            f" columns go to {len(line) + 1}"
        )
    return sum(len(before) + 1 for before in lines[: place.line - 1]) + column


def lines_of(text: str, span: Span) -> str:
    """The lines of `span`. Raises UsageError when the file has none of them."""
    if span.lines is None:
        return text
    lines = text.split("\n")
    first, last = span.lines
    if first > len(lines):
        raise UsageError(f"{span.path} has {len(lines)} lines, not {first}")
    return "\n".join(lines[first - 1 : last])
