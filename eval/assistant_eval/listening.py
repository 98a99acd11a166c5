"""Who is told how an evaluation goes."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listener:
    """What is called as it goes on; by default nobody is told."""

    say: Callable[[str], object] = lambda _: None
    """What is being done, in words."""
    answered: Callable[[int, int], object] = lambda _done, _all: None
    """How many answers there are, of how many."""
    remark: Callable[[str], object] = lambda _: None
    """What the user should know, each one line."""
