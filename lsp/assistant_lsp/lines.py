"""The lines of a text, so kept that a change of a few among many thousands costs little.

They stand in blocks: a change makes the blocks anew that it touches, and what is asked for, as
where a line begins, is counted from block to block.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import overload

_BLOCK = 128
"""Lines; one with twice as many is divided, one with half as many joins the one before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines(Sequence[str]):
    """An immutable sequence of lines, each with its line end, and what they make together."""

    _blocks: tuple[tuple[str, ...], ...]
    """None is empty."""
    _sizes: tuple[int, ...]
    """Characters in each of them."""
    _lines: tuple[int, ...]
    """Lines in each of them and all before it."""
    _characters: tuple[int, ...]
    """Characters in each of them and all before it."""

    @classmethod
    def of(cls, lines: Sequence[str]) -> "Lines":
        """Those lines."""
        blocks = _divided(tuple(lines))
        return cls._of(blocks, tuple(map(_size, blocks)))

    @classmethod
    def _of(cls, blocks: tuple[tuple[str, ...], ...], sizes: tuple[int, ...]) -> "Lines":
        lines, characters = accumulate(map(len, blocks)), accumulate(sizes)
        return cls(blocks, sizes, tuple(lines), tuple(characters))

    @property
    def text(self) -> str:
        """All of them in a row."""
        return "".join(chain.from_iterable(self._blocks))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lines) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __len__(self) -> int:
        return self._lines[-1] if self._lines else 0

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._blocks)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            first, last, step = index.indices(len(self))
            if step != 1:
                return tuple(self)[index]
            found, before, _, _ = self._around(first, last)
            return found[first - before : max(last - before, 0)]
        if not 0 <= (place := index + len(self) if index < 0 else index) < len(self):
            raise IndexError(index)
        block, before = self._block_of(place)
        return self._blocks[block][place - before]

    def start(self, line: int) -> int:
        """Characters before a line, or all of them for one behind the last."""
        block, before = self._block_of(line)
        inside = self._blocks[block][: line - before] if block < len(self._blocks) else ()
        return _before(self._characters, block) + _size(inside)

    def place(self, offset: int) -> tuple[int, int]:
        """The line that holds the character at `offset`, and how many stand before it there.

        An offset behind the last character is one in the last line.
        """
        block = min(bisect_right(self._characters, offset), len(self._blocks) - 1)
        left = offset - _before(self._characters, block)
        inner = list(accumulate(map(len, self._blocks[block])))
        line = min(bisect_right(inner, left), len(inner) - 1)
        return _before(self._lines, block) + line, left - _before(inner, line)

    def replaced(self, first: int, last: int, new: Sequence[str]) -> "Lines":
        """These, with `new` for those from `first` up to `last`, which is not one of them."""
        old, before, begin, end = self._around(first, last)
        made = (*old[: first - before], *new, *old[last - before :])
        if begin and len(made) < _BLOCK // 2:
            begin -= 1
            made = (*self._blocks[begin], *made)
        blocks = _divided(made)
        return Lines._of(
            (*self._blocks[:begin], *blocks, *self._blocks[end:]),
            (*self._sizes[:begin], *map(_size, blocks), *self._sizes[end:]),
        )

    def _around(self, first: int, last: int) -> tuple[tuple[str, ...], int, int, int]:
        """What is in the blocks that hold these lines, the lines before them, and which blocks
        these are."""
        begin, before = self._block_of(first)
        end = self._block_of(max(first, last - 1))[0] + 1
        return tuple(chain.from_iterable(self._blocks[begin:end])), before, begin, end

    def _block_of(self, line: int) -> tuple[int, int]:
        """The block of a line and the lines before that; one behind the last for no line."""
        block = bisect_right(self._lines, line)
        return block, _before(self._lines, block)


def _divided(lines: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    if len(lines) < 2 * _BLOCK:
        return (lines,) if lines else ()
    return tuple(lines[at : at + _BLOCK] for at in range(0, len(lines), _BLOCK))


def _size(lines: Sequence[str]) -> int:
    return sum(map(len, lines))


def _before(ends: Sequence[int], place: int) -> int:
    """Where something begins, by where it and all before it end."""
    return ends[place - 1] if place else 0
