"""How fast answers come, measured at those that somebody has asked for anyway."""

import time
from dataclasses import dataclass

from assistant.client.answer import Piece

_FEWEST_TOKENS = 8
"""Of fewer, one that was late would decide."""


@dataclass(frozen=True, slots=True)
class Pace:
    """One answer, from its first piece to its last."""

    tokens: int
    """Those behind the first piece."""
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """How fast it grew."""
        return self.tokens / self.seconds


class Stopwatch:
    """Takes the time of one answer whose server counts its tokens."""

    def __init__(self) -> None:
        self._first = self._last = 0.0
        self.pace: Pace | None = None
        """None before the end, and where the answer is too short to tell."""

    def sees(self, piece: Piece) -> None:
        """The next piece has come."""
        if piece.text:
            self._last = time.perf_counter()
            self._first = self._first or self._last
        if piece.tokens is not None and piece.tokens > _FEWEST_TOKENS and self._last > self._first:
            self.pace = Pace(piece.tokens - 1, self._last - self._first)
