"""Short samples together in rows of one length, none of them cut, none seeing another.

Position ids begin again with each sample. Attention that is made from them (transformers does so
where it is given no mask) looks back to the begin of its own sample and no further.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from assistant.prompts import IGNORED
from assistant_finetune.data.journal import DataError
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.rendering.sample import Sample

WINDOW = 4096
"""So many samples are held and packed together."""


@dataclass(frozen=True, slots=True)
class Row:
    """Samples, one behind the other. All lists of numbers are as long as the row."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    """As in a sample, but the first token of each sample is ignored: nothing predicts it."""
    position_ids: tuple[int, ...]
    """From 0 in each sample."""
    weights: tuple[float, ...]
    """How much each label counts; 0 where there is none."""
    origins: tuple[Origin, ...]

    def padded(self, length: int, pad: int) -> "Row":
        """The row with `pad` behind it up to `length` tokens, a piece of its own, not learned."""
        more = length - len(self.ids)
        if more < 0:
            raise ValueError(f"a row of {len(self.ids)} tokens is longer than {length}")
        return Row(
            self.ids + (pad,) * more,
            self.labels + (IGNORED,) * more,
            self.position_ids + tuple(range(more)),
            self.weights + (0.0,) * more,
            self.origins,
        )


def pack(samples: Iterable[Sample], length: int, window: int = WINDOW) -> Iterator[Row]:
    """Rows of at most `length` tokens, first-fit-decreasing within `window` samples.

    Raises DataError that names a sample which is longer than a row.
    """
    stream = iter(samples)
    while group := list(islice(stream, window)):
        for numbers in plan([len(sample.ids) for sample in group], length, group):
            yield row([group[number] for number in numbers])


def row(samples: Sequence[Sample]) -> Row:
    """The samples as one row."""
    labels, positions, weights = list[int](), list[int](), list[float]()
    for sample in samples:
        own = (IGNORED, *sample.labels[1:])
        labels += own
        positions += range(len(sample.ids))
        given = sample.weights or (1.0,) * len(own)
        weights += (
            0.0 if label == IGNORED else weight for label, weight in zip(own, given, strict=True)
        )
    ids = tuple(number for sample in samples for number in sample.ids)
    origins = tuple(sample.origin for sample in samples)
    return Row(ids, tuple(labels), tuple(positions), tuple(weights), origins)


def plan(lengths: Sequence[int], room: int, samples: Sequence[Sample] = ()) -> list[list[int]]:
    """Which of `lengths` stand in which row of `room`: the longest first, each in the first row
    that has room for it.

    Raises DataError where one is longer than `room`, which names it if `samples` are given.
    """
    rows: list[list[int]] = []
    free = _FirstFit(len(lengths), room)
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if lengths[number] > room:
            name = samples[number].origin if samples else f"sample {number}"
            raise DataError(f"{name} has {lengths[number]} tokens, and a row only {room}")
        place = free.take(lengths[number])
        if place == len(rows):
            rows.append([])
        rows[place].append(number)
    return rows


class _FirstFit:
    """Finds the first row with room, in a tree of the most room below each node."""

    def __init__(self, rows: int, room: int) -> None:
        self._leaves = 1 << max(0, rows - 1).bit_length()
        self._most = [room] * (2 * self._leaves)

    def take(self, length: int) -> int:
        """Take room in the first row that has it; there is always one that is empty."""
        node = 1
        while node < self._leaves:
            node *= 2
            if self._most[node] < length:
                node += 1
        place = node - self._leaves
        self._most[node] -= length
        while node > 1:
            node //= 2
            self._most[node] = max(self._most[2 * node], self._most[2 * node + 1])
        return place
