"""Where the documentation of a function or class goes, and what it looks like. Pure text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.prompts.languages import comment_mark
from assistant_lsp.code import comment_at, definition_at

_PYTHON = "python"
_STRING = re.compile(r"[rRuU]?[\"']")
_OPEN, _CLOSED = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Gap:
    """A definition without documentation."""

    first: int
    """Its first line."""
    end: int
    """The line behind it."""
    row: int
    """The line before which the documentation is to stand."""
    indent: str

    def text(self, words: str, language: str) -> list[str]:
        """The lines of documentation that say `words`; they have no line ends."""
        lines = [line.rstrip() for line in words.strip().splitlines()]
        if language != _PYTHON:
            mark = comment_mark(language)
            return [f"{self.indent}{mark} {line}".rstrip() for line in lines]
        quotes = '"""' if "\\" not in words else 'r"""'
        lines = [line.replace('"""', "'''") for line in lines]
        lines[0] = quotes + lines[0]
        if len(lines) > 1:
            lines.append("")
        elif lines[0].endswith(('"', "\\")):
            lines[0] += " "
        lines[-1] += '"""'
        return [self.indent + line if line else "" for line in lines]


def undocumented(lines: Sequence[str], row: int, language: str) -> Gap | None:
    """The function or class around a line, if nothing documents it yet."""
    found = definition_at(lines, row)
    if found is None:
        return None
    first, end = found
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    if language != _PYTHON:
        above = comment_at(lines, first - 1, language) if first else None
        return None if above else Gap(first, end, first, indent)
    body = _body(lines, first, end)
    if body is None or _STRING.match(lines[body].lstrip()):
        return None
    inner = lines[body][: len(lines[body]) - len(lines[body].lstrip())]
    return Gap(first, end, body, inner)


def _body(lines: Sequence[str], first: int, end: int) -> int | None:
    """The first line of a Python definition's body, where it has lines of its own."""
    depth = 0
    for row in range(first, end):
        code = lines[row].partition("#")[0].rstrip()
        depth += sum(map(code.count, _OPEN)) - sum(map(code.count, _CLOSED))
        if depth <= 0 and code.endswith(":"):
            rest = range(row + 1, end)
            return next((number for number in rest if lines[number].strip()), None)
    return None
