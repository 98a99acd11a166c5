"""What earlier requests computed, for later ones that begin the same way.

An editor asks again after every keystroke, and a conversation comes back with one more turn: most
of such a prompt was read before, and its keys and values need not be computed again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from transformers import DynamicCache

from assistant.engine.kv_cache import GrowingCache
from assistant.engine.radix_tree import BLOCK, RadixTree

PARKED = 4
"""Texts that are kept ready to go on."""
_LOST_AT_MOST = 64
"""Tokens of an earlier prompt that are given up rather than copying the rest of it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A text whose keys and values are there."""

    ids: tuple[int, ...]
    """Exactly what `cache` holds."""
    prompt: int
    """How many of them were asked; the rest is the model's answer."""
    cache: GrowingCache
    adapter: str | None


class PrefixCache:
    """Earlier texts of one model: the last few as they were, all others in a tree of blocks.

    The last few are parked: a request that goes on where one of them ended takes it over, and
    nothing is copied. Where a request shares a beginning with a text that may come back, it gets a
    copy of that. A parked text that others push out goes into the tree, where what texts have in
    common is held once. What was used longest ago leaves when the memory is full.
    """

    def __init__(self, new_cache: Callable[[], DynamicCache], *, max_bytes: int) -> None:
        """At most `max_bytes` are kept; the newest text stays whatever its size."""
        self._new_cache = new_cache
        self._max_bytes = max_bytes
        self._parked: list[Kept] = []  # the most recently used last
        self._tree = RadixTree()

    def take(
        self, ids: Sequence[int], adapter: str | None = None, running: Iterable[Kept] = ()
    ) -> DynamicCache:
        """Keys and values of as much of the beginning of `ids` as is there, for the caller to keep.

        `running` are texts that are being computed, which can be copied, too. At least one token of
        `ids` is left to compute: its logits are what the answer begins with.
        """
        prompt = tuple(ids)
        blocks = self._tree.match(prompt[:-1], adapter)
        best, shared = None, len(blocks) * BLOCK
        for kept in (*running, *self._parked):
            if kept.adapter == adapter:
                length = min(_common_length(kept.ids, prompt), len(prompt) - 1)
                if length > shared or (length == shared > 0 and best is None):
                    best, shared = kept, length
        if best is None:
            cache = self._new_cache()
            if blocks and isinstance(cache, GrowingCache):
                cache.extend(blocks)
            return cache
        if best in self._parked:
            self._parked.remove(best)
            if best.prompt - shared <= _LOST_AT_MOST:
                best.cache.hold(shared)
                return best.cache
            self._parked.append(best)
        return best.cache.copy(shared)

    def put(self, kept: Kept) -> None:
        """Keep a text. Its cache is the prefix cache's from now on."""
        if not kept.ids or self._max_bytes <= 0:
            return
        # One that is a beginning of the new one can serve nothing that the new one cannot.
        self._parked = [
            old
            for old in self._parked
            if old.adapter != kept.adapter or _common_length(old.ids, kept.ids) < len(old.ids)
        ]
        self._parked.append(kept)
        while len(self._parked) > PARKED:
            oldest = self._parked.pop(0)
            self._tree.insert(oldest.ids, oldest.cache, oldest.adapter)
        self._keep_within_limit()

    def drop(self, adapter: str | None) -> None:
        """Forget the texts of one adapter."""
        self._parked = [kept for kept in self._parked if kept.adapter != adapter]
        self._tree.drop(adapter)

    def clear(self) -> None:
        """Forget everything and free its memory."""
        self._parked.clear()
        self._tree.clear()

    @property
    def nbytes(self) -> int:
        """The memory that is taken."""
        return self._tree.nbytes + self._parked_bytes

    @property
    def _parked_bytes(self) -> int:
        return sum(kept.cache.nbytes for kept in self._parked)

    def _keep_within_limit(self) -> None:
        self._tree.evict(max(0, self._max_bytes - self._parked_bytes))
        while len(self._parked) > 1 and self.nbytes > self._max_bytes:
            self._parked.pop(0)


def _common_length(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How many tokens two sequences have in common at their beginnings."""
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    # Comparing slices is fast; halving finds the first difference in a few such comparisons.
    low, high = 0, length
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low
