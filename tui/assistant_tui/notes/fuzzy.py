"""Notes by some letters of their names, in order: `idtod` finds `ideas/today.md`."""

import re
from collections.abc import Sequence

from textual.fuzzy import FuzzySearch

_MOST_SCORED = 1_000
"""Scoring takes much longer than looking whether the letters are there; short names win."""


def rank(query: str, notes: Sequence[str], most: int = 100) -> list[tuple[str, Sequence[int]]]:
    """The notes that have the letters of `query` in its order, the best first, and which they are.

    Blanks between the letters do not count.
    """
    letters = "".join(query.split())
    if not letters:
        return [(note, ()) for note in notes[:most]]
    pattern = re.compile(".*?".join(map(re.escape, letters)), re.IGNORECASE | re.DOTALL)
    possible = [note for note in notes if pattern.search(note)]
    possible.sort(key=len)
    search = FuzzySearch()
    scored = [(search.match(letters, note), note) for note in possible[:_MOST_SCORED]]
    scored.sort(key=lambda one: -one[0][0])
    return [(note, offsets) for (_, offsets), note in scored[:most]]
