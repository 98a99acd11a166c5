"""The places that were worked at last: pieces of files as they stood when they were left."""

from collections import OrderedDict
from collections.abc import Sequence

from assistant.context.pieces import Piece
from assistant.context.similar import likeness, words
from assistant.secrets import is_secret

_KEPT = 16
_AROUND = 15
"""Lines above and below a place."""
_LONGEST = 1_600
_SHORTEST = 40
_SAME = 0.9
"""Pieces that are more alike than this are one that has changed a little."""


class Ring:
    """The newest places, no two of them nearly the same."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Piece, frozenset[str]]] = OrderedDict()

    def add(self, file: str, path: str, lines: Sequence[str], row: int) -> bool:
        """Remember the lines around one of them; returns whether that is news.

        `file` is the whole path, `path` how the model is told of it. Files of secrets, and places
        where hardly anything stands, are not remembered.
        """
        text = _around(lines, row)
        if is_secret(file) or len(text.strip()) < _SHORTEST or text in self._kept:
            return False
        here = words(text)
        alike = [t for t, (_, known) in self._kept.items() if likeness(here, known) > _SAME]
        for old in alike:
            del self._kept[old]
        self._kept[text] = (Piece(file, path, text, "place"), here)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return True

    @property
    def pieces(self) -> list[Piece]:
        """The newest first."""
        return [piece for piece, _ in reversed(self._kept.values())]


def _around(lines: Sequence[str], row: int) -> str:
    """Whole lines around one, without the blank ones at the ends."""
    chosen = [line.rstrip() for line in lines[max(0, row - _AROUND) : row + _AROUND + 1]]
    while chosen and not chosen[-1]:
        chosen.pop()
    while chosen and not chosen[0]:
        chosen.pop(0)
    while len("\n".join(chosen)) > _LONGEST:
        chosen.pop()
    return "\n".join(chosen)
