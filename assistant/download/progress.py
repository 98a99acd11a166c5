"""How far a pull is, in one line."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from assistant.registry import gigabytes

_WINDOW_SECONDS = 10.0
"""The speed shown is that of so long: a line of an hour ago says nothing of the time left."""


class Progress:
    """Counts bytes for several threads, and says where things stand."""

    def __init__(self, name: str, total: int, here: int) -> None:
        """Of `total` bytes, `here` were on the disk before."""
        self.name = name
        self._total = total
        self._done = here
        self._lock = threading.Lock()
        self._checking = 0
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), here)])

    def gets(self, count: int) -> None:
        """So many more bytes are here; fewer, where `count` is negative."""
        with self._lock:
            self._done += count

    @contextmanager
    def checking(self) -> Iterator[None]:
        """Meanwhile a file is read for its hash."""
        with self._lock:
            self._checking += 1
        try:
            yield
        finally:
            with self._lock:
                self._checking -= 1

    def line(self, resumes_in: float) -> str:
        """What a person wants to know while waiting; `resumes_in` seconds nothing is asked."""
        now, done = time.monotonic(), self._done
        text = f"{self.name}: {gigabytes(done)} of {gigabytes(self._total)}"
        if resumes_in > 0:
            return f"{text}, the model hub asks to wait {resumes_in:.0f} s"
        if done >= self._total:
            return f"{text}, checking" if self._checking else text
        rate = self._rate(now, done)
        if rate <= 0:
            return text
        return f"{text}, {rate / 1e6:.1f} MB/s, {_duration((self._total - done) / rate)} left"

    def _rate(self, now: float, done: int) -> float:
        """Bytes a second of late."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        return (done - before) / max(now - since, 0.001)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{rest} s"
