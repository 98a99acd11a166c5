"""Full-text search: all notes in memory, and every word of the query looked for in each.

Looking through some tens of megabytes takes some hundredths of a second, finds parts of words, and
knows every language; an index of words would be slower to make and would know none of Chinese.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant_tui.notes.note_file import LARGEST_BYTES

_TERM = re.compile(r'"([^"]+)"|(\S+)')
_MOST_EXCERPT = 120
_BEFORE = 30
"""Characters of a long line that are shown before what was found."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A note that has every word of a query."""

    note: str
    line: int
    """Of the first word, counted from 0."""
    excerpt: str


@dataclass(frozen=True, slots=True)
class _Text:
    modified_ns: int
    size: int
    text: str
    lowered: str


class SearchIndex:
    """The texts of a folder's notes. `refresh` and `find` block: call them in a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._texts: dict[str, _Text] = {}

    def refresh(self, notes: Iterable[str]) -> None:
        """Read what is new or has changed, and forget what has gone."""
        kept: dict[str, _Text] = {}
        for note in notes:
            found = _read(self._root / note, self._texts.get(note))
            if found is not None:
                kept[note] = self._texts[note] = found
        self._texts = kept

    def find(self, query: str, most: int = 100) -> list[Hit]:
        """The notes with every word of `query`, or all of a part of it in quotation marks.

        Those that are called so come first, then those that were changed last.
        """
        terms = [(quoted or word).lower() for quoted, word in _TERM.findall(query)]
        if not terms:
            return []
        found = list(self._matching(terms))
        found.sort(key=lambda one: (_calls(one[0], terms), one[1].modified_ns), reverse=True)
        return [_hit(note, text, terms[0]) for note, text in found[:most]]

    def _matching(self, terms: list[str]) -> Iterator[tuple[str, _Text]]:
        for note, text in list(self._texts.items()):
            lowered = text.lowered
            if all(term in lowered or term in note.lower() for term in terms):
                yield note, text


def _read(path: Path, known: _Text | None) -> _Text | None:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            size = status.st_size
            if size > LARGEST_BYTES:
                return None
            if known is not None and (known.modified_ns, known.size) == (status.st_mtime_ns, size):
                return known
            text = file.read().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return None if "\0" in text else _Text(status.st_mtime_ns, size, text, text.lower())


def _calls(note: str, terms: list[str]) -> int:
    """How many words of the query stand in the note's path."""
    lowered = note.lower()
    return sum(term in lowered for term in terms)


def _hit(note: str, text: _Text, term: str) -> Hit:
    place = max(text.lowered.find(term), 0)
    line = text.lowered.count("\n", 0, place)
    begin = text.lowered.rfind("\n", 0, place) + 1
    column = place - begin
    # The two texts may differ in length before the place, in rare letters, but not in lines.
    whole = _line(text.text, line)
    start = max(0, column - _BEFORE) if len(whole) > _MOST_EXCERPT else 0
    excerpt = whole[start : start + _MOST_EXCERPT].strip()
    return Hit(note, line, ("…" if start else "") + excerpt)


def _line(text: str, number: int) -> str:
    place = 0
    for _ in range(number):
        place = text.find("\n", place) + 1
    end = text.find("\n", place)
    return text[place : len(text) if end < 0 else end]
