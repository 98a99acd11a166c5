"""Whether anybody uses the server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Activity:
    """How many requests are running, and since when none is."""

    def __init__(self) -> None:
        self.running = 0
        self._idle_since = time.monotonic()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Around one request."""
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self.touch()

    def touch(self) -> None:
        """Count idle time from now."""
        self._idle_since = time.monotonic()

    def idle_seconds(self) -> float:
        """How long nothing has been running."""
        return 0.0 if self.running else time.monotonic() - self._idle_since
