"""What goes into one pass through the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.engine.lora import LoraAdapter


@dataclass(frozen=True, slots=True)
class Part:
    """One text's share of a pass."""

    ids: Sequence[int]
    """Its next tokens, at least one, which `cache` does not hold yet."""
    cache: Any
    """Its keys and values, made by the runner's `new_cache`; the pass appends to it."""
    keep: int
    """The logits behind how many of the last tokens are wanted: from none to all."""
    adapter: LoraAdapter | None = None


Interrupt = Callable[[], bool]
"""Asked in the midst of a long pass whether it is to be broken off."""


class Interrupted(Exception):
    """A pass was broken off: the caches of its texts are to be cut to what they held before."""
