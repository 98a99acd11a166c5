"""Examples that are the same as one before, or nearly: MinHash over runs of five words.

What is known of the examples before stands in a temporary file of SQLite's, not in memory, so that
any number of them can be compared.
"""

import hashlib
import re
import sqlite3
import zlib
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from assistant_finetune.data.examples import Chat, Example, Hole, texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|[^\w\s]")
_RUN = 5
_FACTOR = 0x9E3779B97F4A7C15
"""Odd and large, so that a run's hash depends on the order of its words."""
_HASHES = 64
_BANDS, _ROWS = 10, 6
"""Of two examples that share 0.85 of their runs, 99 in 100 agree on all of one band."""
ALIKE = 0.85
"""The share of runs that two near-duplicates have in common, at least."""
_CANDIDATES = 20


class Sameness(Enum):
    """How much an example is like one before."""

    EXACT = "exact duplicates left out"
    NEAR = "near-duplicates left out"


@dataclass(frozen=True, slots=True)
class Twin:
    """An example before that is the same, or nearly."""

    origin: str
    sameness: Sameness


class Duplicates:
    """Remembers examples, and recognizes those that come again."""

    def __init__(self) -> None:
        self._known = sqlite3.connect("", isolation_level=None)
        self._known.executescript(
            """
            PRAGMA journal_mode = OFF;
            CREATE TABLE examples (
                id INTEGER PRIMARY KEY, origin TEXT, whole BLOB UNIQUE, hashes BLOB, answers BLOB
            );
            CREATE TABLE bands (band BLOB, id INTEGER, PRIMARY KEY (band, id)) WITHOUT ROWID;
            BEGIN;
            """
        )
        self._minhash: Any = None

    def find(self, example: Example) -> Twin | None:
        """The example before that this one repeats; None, and it is remembered, if it is new."""
        whole = hashlib.sha256("\0".join(map(_plain, texts(example))).encode()).digest()
        query = "SELECT origin FROM examples WHERE whole = ?"
        if (found := self._known.execute(query, (whole,)).fetchone()) is not None:
            return Twin(found[0], Sameness.EXACT)
        hashes = None if isinstance(example, Hole) else self._hashes("\n".join(texts(example)))
        if hashes is None:
            self._remember(example, whole, b"", b"", [])
            return None
        # The same page may be asked about twice: only with like answers it is the same example.
        answers = self._answers(example)
        bands = [
            bytes([band]) + hashes[band * _ROWS : (band + 1) * _ROWS].tobytes()
            for band in range(_BANDS)
        ]
        if (origin := self._like(hashes, answers, bands)) is not None:
            return Twin(origin, Sameness.NEAR)
        self._remember(example, whole, hashes.tobytes(), answers, bands)
        return None

    def close(self) -> None:
        """Forget everything."""
        self._known.close()

    def _like(self, hashes: "NDArray[np.uint32]", answers: bytes, bands: list[bytes]) -> str | None:
        query = (
            "SELECT DISTINCT origin, hashes, answers FROM bands JOIN examples USING (id) "
            f"WHERE band IN ({', '.join('?' * len(bands))}) LIMIT {_CANDIDATES}"
        )
        for origin, other, its_answers in self._known.execute(query, bands):
            if _alike(hashes.tobytes(), other) and _alike(answers, its_answers):
                return str(origin)
        return None

    def _remember(
        self, example: Example, whole: bytes, hashes: bytes, answers: bytes, bands: list[bytes]
    ) -> None:
        added = self._known.execute(
            "INSERT INTO examples (origin, whole, hashes, answers) VALUES (?, ?, ?, ?)",
            (str(example.origin), whole, hashes, answers),
        )
        rows = [(band, added.lastrowid) for band in bands]
        self._known.executemany("INSERT OR IGNORE INTO bands VALUES (?, ?)", rows)

    def _answers(self, example: Example) -> bytes:
        """What tells the answers apart: their hashes, or those of short ones themselves."""
        if not isinstance(example, Chat):
            return b""
        messages = example.conversation.messages
        text = "\n".join(message.content for message in messages if message.role == "assistant")
        hashes = self._hashes(text)
        return hashlib.sha256(text.encode()).digest() if hashes is None else hashes.tobytes()

    def _hashes(self, text: str) -> "NDArray[np.uint32] | None":
        """The signature of a text; None for one that is shorter than a run."""
        words = _WORD.findall(text.lower())
        if len(words) < _RUN:
            return None
        import numpy as np

        if self._minhash is None:
            from datasketch import MinHash

            self._minhash = MinHash(num_perm=_HASHES, hashfunc=int)
        codes = np.fromiter((zlib.crc32(word.encode()) for word in words), "uint64")
        runs = np.zeros(len(words) - _RUN + 1, "uint64")
        for place in range(_RUN):  # wraps around, as hashes may
            runs = runs * _FACTOR + codes[place : place + len(runs)]
        minhash = self._minhash.copy()
        minhash.update_batch(np.unique(runs >> 32).tolist())
        found: NDArray[np.uint32] = minhash.hashvalues.astype("uint32")
        return found


def _alike(one: bytes, other: bytes) -> bool:
    """Whether two signatures say that their texts share enough."""
    if len(one) != len(other) or len(one) < 4 * _HASHES:
        return one == other
    import numpy as np

    same = np.frombuffer(one, "uint32") == np.frombuffer(other, "uint32")
    return float(same.mean()) >= ALIKE


def _plain(text: str) -> str:
    """Without what cannot be seen: blanks at line ends and around."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
