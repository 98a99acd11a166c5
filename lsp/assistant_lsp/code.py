"""Which lines of code an action is about. Pure text in, places out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.prompts.languages import comment_mark

_HEADER = re.compile(
    r"\s*(?:(?:export|default|public|private|protected|internal|static|abstract|final|override"
    r"|async|inline|unsafe|pub(?:\(\w+\))?)\s+)*"
    r"(?:def|class|function|func|fn|fun|impl|struct|interface|trait|sub)\b"
)
_BRACED_HEADER = re.compile(
    r"\s*+(?!(?:if|for|while|switch|else|catch|return|do)\b)[\w*&<>:,~\[\]\s]+\([^;]*\)[^;()]*\{\s*$"
)
_NAME = re.compile(r"[^\W\d][\w$]*")
_CLOSER = re.compile(r"\s*(?:\}|end\b)")
_OPEN_SIGNATURE = re.compile(r"\s*[)\]]")
_WINDOW_LINES = 60


@dataclass(frozen=True, slots=True)
class Comment:
    """Lines of comment, from `first` to `last`, both included."""

    first: int
    last: int
    indent: str


def enclosing(lines: Sequence[str], row: int) -> tuple[int, int]:
    """The function or class around a line, or what one sees around it: first line, line behind."""
    around = (max(0, row - _WINDOW_LINES), min(len(lines), row + _WINDOW_LINES))
    return definition_at(lines, row) or around


def definition_at(lines: Sequence[str], row: int) -> tuple[int, int] | None:
    """The function or class around a line: first line, line behind. None where there is none.

    By indentation and the look of headers, which does for all common languages without a parser.
    """
    header = _header_above(lines, row)
    if header is None:
        return None
    indent = _indent(lines[header])
    end = header + 1
    for number in range(header + 1, len(lines)):
        line = lines[number]
        if not line.strip():
            continue
        if _indent(line) <= indent and not _OPEN_SIGNATURE.match(line):
            if line.strip() == "{":
                continue
            return header, number + 1 if _CLOSER.match(line) else end
        end = number + 1
    return header, end


def block_at(lines: Sequence[str], row: int) -> tuple[int, int]:
    """The lines around one, up to the next blank ones: first line, line behind."""
    first = last = min(row, len(lines) - 1)
    while first > 0 and lines[first - 1].strip():
        first -= 1
    while last + 1 < len(lines) and lines[last + 1].strip():
        last += 1
    return first, last + 1


def name_at(line: str, column: int) -> str:
    """The name that a place in a line touches, or empty; the one right of it comes first."""
    touching = [m[0] for m in _NAME.finditer(line) if m.start() <= column <= m.end()]
    return touching[-1] if touching else ""


def comment_at(lines: Sequence[str], row: int, language: str) -> Comment | None:
    """The comment whose lines go through `row`."""
    if row >= len(lines) or not is_comment(lines[row], language):
        return None
    first = last = row
    while first > 0 and is_comment(lines[first - 1], language):
        first -= 1
    while last + 1 < len(lines) and is_comment(lines[last + 1], language):
        last += 1
    content = lines[row]
    return Comment(first, last, content[: len(content) - len(content.lstrip())])


def indented_like(comment: Comment, code: str) -> list[str]:
    """The lines of `code` moved so that they begin where the comment does."""
    lines = code.expandtabs(4).split("\n") if "\t" not in comment.indent else code.split("\n")
    lines = [line.rstrip() for line in lines]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return []
    old = _indent(lines[0])
    return [comment.indent + line[min(old, _indent(line)) :] if line else "" for line in lines]


def _header_above(lines: Sequence[str], row: int) -> int | None:
    limit: int | None = None
    for number in range(min(row, len(lines) - 1), -1, -1):
        line = lines[number]
        indent = _indent(line)
        if not line.strip() or (limit is not None and indent >= limit):
            continue
        if _HEADER.match(line) or _BRACED_HEADER.match(line):
            return number
        # A closing line belongs to the header that stands as far left as it does itself.
        closing = _CLOSER.match(line) or _OPEN_SIGNATURE.match(line)
        limit = indent + 1 if closing else indent
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def is_comment(line: str, language: str) -> bool:
    """Whether a line is a comment and nothing else, by how it begins."""
    mark = comment_mark(language)
    stripped = line.strip()
    if mark == "//":
        return stripped.startswith(("//", "/*"))
    return stripped.startswith(mark) and not stripped.startswith("#!")
