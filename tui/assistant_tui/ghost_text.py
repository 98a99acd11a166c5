"""Words of a text that is only suggested: one after the other, and as rows on a screen."""

import re
from collections.abc import Iterator

from rich.cells import cell_len

from assistant_tui.controls import visible

_LETTER = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Chinese and Japanese write no spaces: each of their letters is a word."""
_CLOSING = "，。、；：！？…）」』】》〉”’"  # noqa: RUF001
_WORD = re.compile(rf"\s*(?:[{_LETTER}][{_CLOSING}]*|[^\s{_LETTER}]+)|\s+")
_CUT = "…"
_WIDEST = 2
"""Cells that a character takes at most."""


def words(text: str) -> Iterator[str]:
    """The words, each with the space before it and the marks behind it: together, the text."""
    return (found[0] for found in _WORD.finditer(text))


def flowed(text: str, room: int, width: int, most: int) -> list[str]:
    """The rows of a text that begins behind others, as far as `most` rows hold it.

    `room` is the width of the first row in cells, which may stay empty, and `width` that of the
    others. What does not fit ends in an ellipsis.
    """
    rows = [""]
    if width < _WIDEST:
        return rows
    left = room
    for word in words(visible(text).replace("\t", " ")):
        if cell_len(word) > left:
            rows.append("")
            left, word = width, word.lstrip()
        while cell_len(word) > left:
            rows[-1] = _fitting(word, left)
            word = word[len(rows[-1]) :]
            rows.append("")
        rows[-1] += word
        left -= cell_len(word)
    if len(rows) <= most:
        return rows
    kept = rows[:most]
    last = room if most == 1 else width
    kept[-1] = _fitting(kept[-1], last - 1).rstrip() + _CUT if last > 0 else ""
    return kept


def _fitting(text: str, cells: int) -> str:
    """As much of the begin of a text as has room."""
    size = 0
    for place, character in enumerate(text):
        size += cell_len(character)
        if size > cells:
            return text[:place]
    return text
