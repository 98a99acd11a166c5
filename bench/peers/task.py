"""What every contender is asked to do, and what is noted of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Task:
    """One answer."""

    ids: Sequence[int]
    """The prompt."""
    answer: Sequence[int]
    """The tokens to answer. Random weights never say something sensible, so who can be told the
    answer computes every token's logits and then takes the given one; who cannot (transformers)
    makes as many tokens of its own."""
    fresh: bool = True
    """Whether what earlier prompts have left may not be used."""
    guess: bool = False
    """Whether tokens may be guessed and checked together, where the contender can."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How long an answer took."""

    first: float
    """Seconds to the first token."""
    rest: float
    """Seconds from the first token to the last."""
    tokens: int
    accepted: int = 0
    """Guessed tokens that were right."""

    @property
    def speed(self) -> float:
        """Tokens a second behind the first one."""
        return (self.tokens - 1) / self.rest


class Contender(Protocol):
    """One way to run a model. It is made with the model's path, in a process of its own."""

    description: str

    def answer(self, task: Task) -> Timing:
        """Do a task."""
