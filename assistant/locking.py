"""Work that one process at a time may do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from assistant.errors import AssistantError


@contextmanager
def alone(lock: Path, refusal: AssistantError, patience: float = 0.0) -> Iterator[None]:
    """Hold the file `lock`, which is made where it is missing; its folder must be there.

    Raises `refusal` where another process holds it, for longer than `patience` in seconds.
    """
    held = FileLock(lock)
    try:
        held.acquire(timeout=patience)
    except Timeout as error:
        raise refusal from error
    try:
        yield
    finally:
        held.release()
