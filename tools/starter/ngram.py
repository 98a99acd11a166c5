"""A 4-gram with back-off, to stand beside the starter: same corpus, same tokens, no network.

Interpolated absolute discounting: every order leaves a part of its mass to the next shorter
context, down to all tokens being equally likely.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ORDER = 4
DISCOUNT = 0.75


class NGram:
    """Counts of token sequences of each length, as sorted arrays."""

    def __init__(
        self, vocabulary: int, tables: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
    ) -> None:
        """`tables` holds for each length the sequences, each as one number, and their counts."""
        self.vocabulary = vocabulary
        self._tables = tables

    @classmethod
    def count(cls, texts: Iterable[Sequence[int]], vocabulary: int) -> "NGram":
        """Learn from the token ids of texts."""
        ids = np.concatenate([np.asarray(text, np.int64) for text in texts])
        tables = []
        for order in range(1, ORDER + 1):
            keys = np.zeros(max(0, len(ids) - order + 1), np.int64)
            for place in range(order):
                keys = keys * vocabulary + ids[place : place + len(keys)]
            tables.append(np.unique(keys, return_counts=True))
        return cls(vocabulary, tables)

    def probabilities(self, before: Sequence[int]) -> NDArray[np.float64]:
        """How likely each token is behind `before`."""
        likely = np.full(self.vocabulary, 1 / self.vocabulary)
        for order in range(1, min(ORDER, len(before) + 1) + 1):
            keys, counts = self._tables[order - 1]
            key = 0
            for token in before[len(before) - order + 1 :]:
                key = key * self.vocabulary + token
            first = key * self.vocabulary
            low, high = np.searchsorted(keys, [first, first + self.vocabulary])
            if low == high:
                break
            seen, total = counts[low:high], counts[low:high].sum()
            likely = likely * (DISCOUNT * len(seen) / total)
            likely[keys[low:high] - first] += (seen - DISCOUNT) / total
        return likely

    def greedy(self, before: Sequence[int], ends: frozenset[int], limit: int) -> list[int]:
        """The likeliest next tokens, one by one, up to the first of `ends`, which is included."""
        ids = list(before)
        for _ in range(limit):
            ids.append(int(self.probabilities(ids[-ORDER + 1 :]).argmax()))
            if ids[-1] in ends:
                break
        return ids[len(before) :]

    def loss(self, texts: Iterable[Sequence[int]]) -> float:
        """Nats for all tokens of `texts` but the first of each."""
        nats = 0.0
        for ids in texts:
            for place in range(1, len(ids)):
                before = ids[max(0, place - ORDER + 1) : place]
                nats -= float(np.log(self.probabilities(before)[ids[place]]))
        return nats

    def save(self, path: Path) -> None:
        """Write the counts as one file."""
        arrays = {"vocabulary": np.array(self.vocabulary)}
        for order, (keys, counts) in enumerate(self._tables):
            arrays |= {f"keys{order}": keys, f"counts{order}": counts.astype(np.int32)}
        part = path.with_suffix(".part.npz")
        np.savez(part, allow_pickle=False, **arrays)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> "NGram":
        """What `save` wrote."""
        with np.load(path) as arrays:
            tables = [
                (arrays[f"keys{order}"], arrays[f"counts{order}"].astype(np.int64))
                for order in range(ORDER)
            ]
            return cls(int(arrays["vocabulary"]), tables)
