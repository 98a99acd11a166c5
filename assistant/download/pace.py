"""When requests may be sent, for all threads of a pull together."""

import threading
import time


class Pace:
    """Holds every request back until a moment that one refusal named."""

    def __init__(self, stop: threading.Event) -> None:
        """Nobody waits any longer once `stop` is set."""
        self._stop = stop
        self._resumes = time.monotonic()

    @property
    def resumes_in(self) -> float:
        """Seconds until requests may be sent; 0 or less when they may be now."""
        return self._resumes - time.monotonic()

    def hold(self, seconds: float) -> None:
        """Send nothing for so long from now on."""
        self._resumes = max(self._resumes, time.monotonic() + seconds)

    def wait(self) -> None:
        """Come back when a request may be sent, or when the pull is stopped."""
        while (seconds := self.resumes_in) > 0 and not self._stop.wait(seconds):
            pass
