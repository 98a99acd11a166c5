"""Two changes of one text brought together, line by line, unless they touch each other."""

import difflib
import itertools
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class _Change:
    """New lines for `start` to `end` of the base's."""

    start: int
    end: int
    lines: tuple[str, ...]


def merged(base: str, mine: str, theirs: str) -> str | None:
    """`base` with what both changed, or None where their changes overlap or stand side by side."""
    if mine == theirs or theirs == base:
        return mine
    if mine == base:
        return theirs
    lines = _lines(base)
    changes = sorted({*_changes(lines, _lines(mine)), *_changes(lines, _lines(theirs))})
    if any(after.start <= before.end for before, after in itertools.pairwise(changes)):
        return None
    pieces, place = [], 0
    for change in changes:
        pieces += [*lines[place : change.start], *change.lines]
        place = change.end
    return "".join([*pieces, *lines[place:]])


def _changes(old: list[str], new: list[str]) -> list[_Change]:
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    before, after = old[head : len(old) - tail], new[head : len(new) - tail]
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return [
        _Change(head + start, head + end, tuple(after[first:last]))
        for kind, start, end, first, last in matcher.get_opcodes()
        if kind != "equal"
    ]


def _common(one: list[str], other: list[str]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _lines(text: str) -> list[str]:
    return [line + "\n" for line in text.split("\n")[:-1]] + [text.split("\n")[-1]]
