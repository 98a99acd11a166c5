"""The one model of a server and its state: loading, ready or failed."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

from assistant.engine.turns import CancelToken
from assistant.errors import AssistantError
from assistant.messages import CompletionRequest, Conversation, SamplingParams
from assistant.server.refusals import Refusal

logger = logging.getLogger(__name__)

LOADING_RETRY_SECONDS = 2


class Counts(Protocol):
    """What a request took, in tokens."""

    @property
    def prompt_tokens(self) -> int:
        """All of the prompt."""

    @property
    def cached_tokens(self) -> int:
        """Those of the prompt that earlier requests had computed."""

    @property
    def completion_tokens(self) -> int:
        """Those of the answer."""


class Piece(Protocol):
    """A piece of an answer; the last one has `finish` and `usage`."""

    @property
    def text(self) -> str:
        """What is added to the answer."""

    @property
    def finish(self) -> Literal["stop", "length"] | None:
        """How the answer ended."""

    @property
    def usage(self) -> Counts | None:
        """What it took."""


class Answering(Protocol):
    """What the server needs of an engine: blocking generators that end when cancelled.

    Said as protocols, so that the server runs, and tells that it is loading, before the engine's
    imports are done.
    """

    def chat(
        self,
        conversation: Conversation,
        params: SamplingParams,
        cancel: CancelToken | None = None,
    ) -> Iterator[Piece]:
        """The assistant's next answer, in pieces."""

    def complete(
        self,
        request: CompletionRequest,
        params: SamplingParams,
        cancel: CancelToken | None = None,
    ) -> Iterator[Piece]:
        """The text at a cursor, in pieces."""


@dataclass(frozen=True)
class Served:
    """A model that answers, and what clients are told of it."""

    engine: Answering
    name: str
    context: int
    wording: str
    chat: bool
    """Whether it takes conversations."""
    fim: bool
    """Whether it was taught to fill in text at a cursor."""
    description: str


Loader = Callable[[], Served]
"""Loads the model; blocking, and as slow as the disk."""

Status = Literal["loading", "ready", "failed"]


@dataclass(frozen=True)
class State:
    """What `/health` tells: the status, one line for people, and the model once it is there."""

    status: Status
    detail: str
    served: Served | None = None
    error: AssistantError | None = None


class ModelSlot:
    """The place of a server's model. Written by the thread that loads, read by requests."""

    def __init__(self, name: str) -> None:
        """`name` is what the settings call the model."""
        self.name = name
        self.state = State("loading", f"loading {name}")

    def fill(self, load: Loader) -> State:
        """Load the model here and now; whatever goes wrong becomes the state."""
        try:
            served = load()
        except AssistantError as error:
            self.state = State("failed", str(error), error=error)
        except Exception as error:  # loading runs foreign code on foreign files
            logger.exception("loading the model failed")
            reason = str(error).strip().splitlines() or ["no reason was given"]
            line = f"{self.name} could not be loaded: {type(error).__name__}: {reason[0]}"
            self.state = State("failed", line, error=AssistantError(line))
        else:
            self.name = served.name
            self.state = State("ready", served.description, served)
        return self.state

    def served(self, name: str | None = None) -> Served:
        """The model, for a request that names it `name`. Raises Refusal where it cannot answer."""
        state = self.state
        if state.served is None:
            if state.status == "failed":
                raise Refusal(503, state.detail, code="model_failed")
            raise Refusal(
                503, state.detail, code="model_loading", retry_after=LOADING_RETRY_SECONDS
            )
        if name is not None and name != state.served.name:
            message = f"this server serves {state.served.name}, not {name}"
            raise Refusal(404, message, code="model_not_found", param="model")
        return state.served


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
