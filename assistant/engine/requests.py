"""What is asked of the engine, and what comes back. No PyTorch: the server imports this first."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from assistant.errors import Cancelled

Finish = Literal["stop", "length"]


class CancelToken:
    """Says from any thread that an answer is not wanted any more."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """End the request before its next token, or where it waits."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise Cancelled if `cancel` was called."""
        if self.cancelled:
            raise Cancelled("the request was cancelled")


class Priority(IntEnum):
    """Who goes first; a smaller number does."""

    COMPLETION = 0
    """Somebody's cursor waits: everything else pauses within a token step."""
    CHAT = 1
    BATCH = 2
    """Nobody waits (evaluation, data): computed while nothing else is."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request's place among the others."""

    adapter: str | None = None
    """The name of an adapter that was added to the engine, or None for the base model alone."""
    priority: Priority = Priority.CHAT
    client: str = ""
    """Whose request it is: clients of the same priority get equal shares."""
    cancel: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request took, in tokens."""

    prompt_tokens: int
    cached_tokens: int
    """How many of the prompt's tokens earlier requests had computed already."""
    completion_tokens: int
    """All tokens made, those of a stop string and the end token included."""
    drafted_tokens: int = 0
    """Tokens of the answer that were guessed, to be checked together."""
    accepted_tokens: int = 0
    """Those of them that were right."""


@dataclass(frozen=True, slots=True)
class Likelihood:
    """A token and the natural logarithm of its probability."""

    text: str
    """As much of it as is whole characters; U+FFFD for the rest."""
    data: bytes
    """What the token stands for, byte by byte."""
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenLikelihood:
    """A token of an answer with those that were likeliest in its place, likeliest first."""

    chosen: Likelihood
    top: tuple[Likelihood, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer. The last one says how it ended and what it took."""

    text: str
    finish: Finish | None = None
    """`stop`: the model or a stop string ended it; `length`: max_tokens or the context did."""
    usage: Usage | None = None
    tokens: tuple[TokenLikelihood, ...] = ()
    """The tokens behind this piece, where `SamplingParams.top_logprobs` asks for them."""


Deliver = Callable[[Chunk | Exception], None]
"""Takes the pieces of an answer as they are made, in the engine's thread: it may not block.

The last call brings a chunk with `finish`, or the exception that ended the answer (Cancelled where
it was not wanted any more)."""


@dataclass(frozen=True, slots=True)
class EngineStats:
    """How an engine is doing. The counts are those since it was made."""

    running: int
    """Requests that are being answered."""
    waiting: int
    """Requests whose turn has not come."""
    cache_bytes: int
    """Memory that is kept of earlier requests."""
    steps: int
    """Passes through the model."""
    prompt_tokens: int
    cached_tokens: int
    """Of the prompts' tokens, those that earlier requests had computed."""
    completion_tokens: int
    drafted_tokens: int
    accepted_tokens: int
