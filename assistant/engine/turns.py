"""Whose turn it is: requests are served one at a time, in the order in which they came."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from assistant.errors import Cancelled

_LOOK_AGAIN = 0.02
"""Seconds after which a waiting request looks whether it was cancelled."""


class CancelToken:
    """Says from any thread that an answer is not wanted any more."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End the request before its next token, or where it waits for its turn."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise Cancelled if `cancel` was called."""
        if self.cancelled:
            raise Cancelled("the request was cancelled")


class Turns:
    """A queue for one engine, first come first served."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()  # the one whose turn it is stands first

    @property
    def length(self) -> int:
        """How many hold or wait for a turn."""
        return len(self._waiting)

    @contextmanager
    def turn(self, cancel: CancelToken) -> Iterator[None]:
        """Wait for the turn and hold it. Raises Cancelled when cancelled while waiting."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
        try:
            with self._changed:
                while self._waiting[0] is not ticket:
                    cancel.check()
                    self._changed.wait(_LOOK_AGAIN)
            cancel.check()
            yield
        finally:
            with self._changed:
                self._waiting.remove(ticket)
                self._changed.notify_all()
