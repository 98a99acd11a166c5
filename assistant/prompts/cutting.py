"""Long files around a cursor, cut to what a model can read.

The cut must not move with every keystroke: a prompt that begins one token later shares nothing
with the one before, and the prefix cache would be of no use. So texts are cut at fixed places,
a whole number of blocks from the file's start, and the cut jumps by a block now and then.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import accumulate

from assistant.messages import CompletionRequest, Snippet

COMPLETION_CONTEXT = 8192
"""Tokens: a completion reads no more than this, however much the model could read."""
_CONTEXT_SHARE = 4
"""Of a request that is too long, pieces of other files may have this part: the file comes first."""
_PIECE_TOKENS = 8
"""What a format may add to a piece of another file."""


class Cutter:
    """Cuts completion requests, by one way of counting tokens."""

    def __init__(self, count: Callable[[str], int]) -> None:
        """`count` gives the tokens of a text; it is asked for the same texts again and again."""
        self._count = count

    def cut(self, request: CompletionRequest, budget: int) -> CompletionRequest:
        """`request` with the end of its prefix and the beginning of its suffix, `budget` tokens.

        Of pieces of other files the first stay that fit into a quarter, and the file gets the rest.
        A long prefix gets three quarters. A shorter one gets as many quarters as it needs, and not
        just what it needs: while it grows, the suffix stays.
        """
        request = replace(request, context=self._first(request.context, budget // _CONTEXT_SHARE))
        budget -= sum(map(self._piece, request.context))
        quarters = next((q for q in (1, 2) if self._fits(request.prefix, budget * q // 4)), 3)
        suffix = self._beginning(request.suffix, budget * (4 - quarters) // 4)
        left = budget - sum(map(self._count, _blocks(suffix, budget)))
        return replace(request, prefix=self._end(request.prefix, left), suffix=suffix)

    def _first(self, context: tuple[Snippet, ...], budget: int) -> tuple[Snippet, ...]:
        sizes = accumulate(map(self._piece, context))
        return tuple(piece for piece, size in zip(context, sizes, strict=True) if size <= budget)

    def _piece(self, piece: Snippet) -> int:
        return self._count(piece.path) + self._count(piece.text) + _PIECE_TOKENS

    def _fits(self, text: str, budget: int) -> bool:
        tokens = 0
        for block in _blocks(text, max(1, budget)):
            tokens += self._count(block)
            if tokens > budget:
                return False
        return True

    def _end(self, text: str, budget: int) -> str:
        """The end of `text`, from a fixed place on, in at most `budget` tokens."""
        start = 0
        for size in _block_sizes(budget):
            start, tokens = len(text), 0
            for place in reversed(range(0, len(text), size)):
                more = self._count(text[place : place + size])
                if tokens + more > budget:
                    break
                start, tokens = place, tokens + more
            if start == 0 or tokens * 2 >= budget:
                return text[_line_start(text, start, size) :]
        return text[start:]

    def _beginning(self, text: str, budget: int) -> str:
        """The beginning of `text` in at most `budget` tokens, whole lines if it has any."""
        end = 0
        for size in _block_sizes(budget):
            end, tokens = 0, 0
            for block in _blocks(text, size):
                if tokens + self._count(block) > budget:
                    break
                tokens += self._count(block)
                end += len(block)
            if end == len(text):
                return text
            if tokens * 2 >= budget:
                newline = text.rfind("\n", end // 2, end)
                return text[: newline + 1 or end]
        return text[:end]


def _block_sizes(budget: int) -> Iterator[int]:
    """In characters, the largest first. A block of the last can have half the budget at most."""
    for divisor in (1, 2, 4, 8):
        yield max(1, budget // divisor)


def _blocks(text: str, size: int) -> Iterator[str]:
    for place in range(0, len(text), size):
        yield text[place : place + size]


def _line_start(text: str, start: int, size: int) -> int:
    """The beginning of the first line behind `start`, if one begins soon."""
    if start == 0 or text[start - 1] == "\n":
        return start
    newline = text.find("\n", start, start + min(size // 4, (len(text) - start) // 2))
    return start if newline < 0 else newline + 1
