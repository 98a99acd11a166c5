"""Suggestions that the user turned off for now; settings turn them off for good."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from pygls.exceptions import JsonRpcInvalidParams

_MINUTES = 60.0


@dataclass(slots=True)
class Switch:
    """Suggestions while one types, on or off."""

    clock: Callable[[], float] = time.monotonic
    _on: bool = True
    _off_until: float = 0.0

    @property
    def on(self) -> bool:
        """Whether suggestions are wanted right now."""
        return self._on and self.clock() >= self._off_until

    def toggle(self) -> bool:
        """Turn suggestions off, or on again; returns whether they are on."""
        self._on, self._off_until = not self.on, 0.0
        return self._on

    def snooze(self, minutes: float) -> None:
        """Turn suggestions off for some time."""
        self._on, self._off_until = True, self.clock() + 60 * minutes


def snooze_minutes(arguments: object) -> float:
    """The minutes that a command names, or an hour. Raises JsonRpcInvalidParams."""
    match arguments:
        case None | []:
            return _MINUTES
        case [int() | float() as minutes] if not isinstance(minutes, bool):
            if math.isfinite(minutes) and minutes > 0:
                return float(minutes)
    raise JsonRpcInvalidParams("assistant.snoozeSuggestions: the argument is a number of minutes")
