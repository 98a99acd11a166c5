"""A change of a text, at one place."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """New words for what stands from `start` to `end`, which are indexes into a text."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Iterable[Edit]) -> str:
    """`text` with edits made, all of which mean this text, and none of which touch each other."""
    pieces, place = [], 0
    for edit in sorted(edits, key=lambda one: one.start):
        pieces += [text[place : edit.start], edit.text]
        place = edit.end
    return "".join([*pieces, text[place:]])


def narrowed(edit: Edit, old: str) -> Edit:
    """The same edit, without the ends that it leaves as they were; `old` is what it replaces."""
    new = edit.text
    size = min(len(old), len(new))
    head = _common(old[:size], new[:size])
    size -= head
    tail = _common(old[len(old) - size :], new[len(new) - size :], at_end=True)
    return Edit(edit.start + head, edit.end - tail, new[head : len(new) - tail])


def _common(one: str, other: str, *, at_end: bool = False) -> int:
    """How many characters two texts of one length have in common at their begin, or end.

    By halves, each of which is compared at once.
    """
    if one == other:
        return len(one)
    low, high = 0, len(one)  # the first of these agree, and somewhere before the second they do not
    while high - low > 1:
        middle = (low + high) // 2
        part = slice(len(one) - middle, len(one) - low) if at_end else slice(low, middle)
        if one[part] == other[part]:
            low = middle
        else:
            high = middle
    return low
