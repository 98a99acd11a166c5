"""What the record of use needs of its surroundings."""

from collections.abc import Callable
from typing import Protocol


class OpenDocument(Protocol):
    """One version of a text that somebody edits."""

    @property
    def uri(self) -> str:
        """What it is known by as long as it is open."""

    @property
    def path(self) -> str:
        """Of its file, or empty for what is none."""

    @property
    def language(self) -> str:
        """The editor's name of it."""

    @property
    def text(self) -> str:
        """All of it."""


class Timer(Protocol):
    """What was put off."""

    def cancel(self) -> object:
        """Do not do it."""


class Loop(Protocol):
    """What is needed of an event loop."""

    def time(self) -> float:
        """Seconds, of a clock that never goes back."""

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        """Do something in so many seconds."""

    def call_soon_threadsafe(self, callback: Callable[[], object], /) -> object:
        """Do something in the loop's own thread; raises RuntimeError where that has ended."""
