"""A file that grows in several places at once, and knows after a kill how far each had come."""

import os
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

PART = ".part"
"""Ends the name of a file of which something is still to come."""
_COUNT = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes of a file that are not here, from `start` to before `end`."""

    start: int
    end: int


class PartFile:
    """A file of `size` bytes that is filled in ranges of `range_bytes`, each from its beginning.

    Behind the place of its bytes stand, while some are missing, how many of each range are here:
    written after the bytes themselves, so that whenever the process is killed, no count says more
    than there is. `complete` cuts the counts off. May be used by several threads.
    """

    def __init__(self, path: Path, size: int, range_bytes: int) -> None:
        self.path = path
        self.size = size
        self._bounds = [*range(0, size, range_bytes), size]
        self._range_bytes = range_bytes
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._have = self._read_counts()

    def __enter__(self) -> "PartFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, which stays where it is; more than once does no harm."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    @property
    def fetched(self) -> int:
        """How many bytes are here."""
        return sum(self._have)

    def missing(self) -> list[int]:
        """The ranges that are not whole, by their numbers, in order."""
        return [index for index in range(len(self._have)) if self.gap(index) is not None]

    def gap(self, index: int) -> Gap | None:
        """What is missing of a range; None when it is whole or there is no such range."""
        if index >= len(self._have):
            return None
        start, end = self._bounds[index] + self._have[index], self._bounds[index + 1]
        return Gap(start, end) if start < end else None

    def write(self, offset: int, data: bytes) -> int:
        """Keep what is missing of `data`, which belongs at `offset`; returns how much that was.

        Bytes that are here already, and those with missing ones before them in their range, are
        passed over. Raises OSError as writing does.
        """
        with self._lock:
            return sum(self._write_in_range(at, piece) for at, piece in self._split(offset, data))

    def complete(self) -> None:
        """Make the file what it is to be, once nothing is missing, and safe from a power cut."""
        with self.path.open("rb+") as file:
            file.truncate(self.size)
            os.fsync(file.fileno())

    def _split(self, offset: int, data: bytes) -> Iterator[tuple[int, memoryview]]:
        """The pieces of `data` by the ranges that they belong to, each with its place."""
        rest = memoryview(data)[: max(self.size - offset, 0)]
        while rest:
            length = self._range_bytes - offset % self._range_bytes
            yield offset, rest[:length]
            offset, rest = offset + length, rest[length:]

    def _write_in_range(self, offset: int, piece: memoryview) -> int:
        index = offset // self._range_bytes
        place = self._bounds[index] + self._have[index]
        if not offset <= place < offset + len(piece):
            return 0
        new = piece[place - offset :]
        written = 0
        while written < len(new):
            written += os.pwrite(self._file, new[written:], place + written)
        self._have[index] += len(new)
        os.pwrite(self._file, _COUNT.pack(self._have[index]), self.size + index * _COUNT.size)
        return len(new)

    def _read_counts(self) -> list[int]:
        """How far each range had come; a file of any other form is begun anew."""
        number = len(self._bounds) - 1
        found = os.fstat(self._file).st_size
        lengths = [end - start for start, end in pairwise(self._bounds)]
        if found == self.size:
            return lengths
        if found == self.size + number * _COUNT.size:
            counts = os.pread(self._file, number * _COUNT.size, self.size)
            have = [count for (count,) in _COUNT.iter_unpack(counts)]
            if all(count <= length for count, length in zip(have, lengths, strict=True)):
                return have
        os.ftruncate(self._file, 0)
        os.ftruncate(self._file, self.size + number * _COUNT.size)
        return [0] * number
