"""What earlier requests computed, for later ones that begin the same way.

An editor asks again after every keystroke, and a conversation comes back with one more turn: most
of such a prompt was read before, and its keys and values need not be computed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.engine.kv_cache import GrowingCache

_CROPPED_AT_MOST = 0.5


@dataclass
class _Entry:
    ids: tuple[int, ...]
    cache: GrowingCache


class PrefixCache:
    """Caches of earlier requests of one model and adapter; the least recently used leave first.

    The rule: the entry that shares the longest beginning with the new prompt serves it. When at
    least half of the entry is shared, the entry itself is cropped and goes on with the new
    request, which costs nothing; when less is shared, the beginning is copied and the entry stays,
    because a short common beginning (a system prompt) says that the rest belongs to something else
    that may come back.
    """

    def __init__(self, *, entries: int, max_bytes: int) -> None:
        """At most `entries` caches of `max_bytes` together; the newest stays whatever its size."""
        self._limit = entries
        self._max_bytes = max_bytes
        self._entries: list[_Entry] = []  # the most recently used last

    def take(self, ids: Sequence[int]) -> GrowingCache | None:
        """A cache that holds a beginning of `ids`, for the caller to keep, or None.

        At least one token of `ids` is left to compute: its logits are what the answer begins with.
        """
        prompt = tuple(ids)
        best, shared = None, 0
        for entry in self._entries:
            length = min(_common_length(entry.ids, prompt), len(prompt) - 1)
            if length > shared:
                best, shared = entry, length
        if best is None:
            return None
        self._entries.remove(best)
        if shared >= _CROPPED_AT_MOST * len(best.ids):
            best.cache.crop_to(shared)
            return best.cache
        self._entries.append(best)
        return best.cache.copy(shared)

    def put(self, ids: Sequence[int], cache: GrowingCache) -> None:
        """Keep `cache`, which holds the tokens `ids`. It is the prefix cache's from now on."""
        if not ids or self._limit < 1:
            return
        new = _Entry(tuple(ids), cache)
        # An entry that is a beginning of the new one can serve nothing that the new one cannot.
        kept = [old for old in self._entries if _common_length(old.ids, new.ids) < len(old.ids)]
        self._entries = [*kept, new]
        while len(self._entries) > self._limit or (
            len(self._entries) > 1 and self.nbytes > self._max_bytes
        ):
            self._entries.pop(0)

    def clear(self) -> None:
        """Forget everything and free its memory."""
        self._entries.clear()

    @property
    def nbytes(self) -> int:
        """The memory that the caches take."""
        return sum(entry.cache.nbytes for entry in self._entries)

    def __len__(self) -> int:
        return len(self._entries)


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
