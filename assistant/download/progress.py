"""How far a pull is."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from assistant.registry import gigabytes

_WINDOW_SECONDS = 10.0
"""The speed shown is that of so long: a line of an hour ago says nothing of the time left."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a pull stands; as text, the line that a person wants to see while waiting."""

    name: str
    done_bytes: int
    total_bytes: int
    bytes_per_second: float = 0.0
    """Of late; 0 where nothing came."""
    checking: bool = False
    """Whether all is here, and its hashes are compared."""
    resumes_in: float = 0.0
    """Seconds for which the hub asks to wait."""

    @property
    def seconds_left(self) -> float | None:
        """At the speed of late; None where that tells nothing."""
        if self.bytes_per_second <= 0 or self.resumes_in > 0:
            return None
        return (self.total_bytes - self.done_bytes) / self.bytes_per_second

    def __str__(self) -> str:
        text = f"{self.name}: {gigabytes(self.done_bytes)} of {gigabytes(self.total_bytes)}"
        if self.resumes_in > 0:
            return f"{text}, the model hub asks to wait {self.resumes_in:.0f} s"
        if self.done_bytes >= self.total_bytes:
            return f"{text}, checking" if self.checking else text
        left = self.seconds_left
        if left is None:
            return text
        return f"{text}, {self.bytes_per_second / 1e6:.1f} MB/s, {_duration(left)} left"


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

    def standing(self, resumes_in: float) -> Standing:
        """How it is now; `resumes_in` seconds nothing is asked."""
        done = self._done
        whole = done >= self._total
        return Standing(
            name=self.name,
            done_bytes=done,
            total_bytes=self._total,
            bytes_per_second=0.0 if whole else max(self._rate(time.monotonic(), done), 0.0),
            checking=whole and self._checking > 0,
            resumes_in=max(resumes_in, 0.0),
        )

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
