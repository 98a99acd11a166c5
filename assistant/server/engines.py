"""What the server needs of an engine, said so that the server runs before the engine is imported.

Importing PyTorch takes seconds, in which front ends are told that the model is loading.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from assistant.client.record import ModelChoice
from assistant.engine.requests import Deliver, EngineStats, Job
from assistant.messages import CompletionRequest, Conversation, SamplingParams
from assistant.prompts.reading import Part


class Answering(Protocol):
    """One model that answers many requests at once, in a thread of its own.

    Safe to use from any thread. A request that cannot be answered raises PromptError or UsageError
    when it is submitted; everything later comes through `deliver`.
    """

    def submit_chat(
        self, conversation: Conversation, params: SamplingParams, job: Job, deliver: Deliver
    ) -> None:
        """Begin the assistant's next answer."""

    def submit_complete(
        self, request: CompletionRequest, params: SamplingParams, job: Job, deliver: Deliver
    ) -> None:
        """Begin the text at a cursor."""

    @property
    def adapter_names(self) -> tuple[str, ...]:
        """The adapters that are loaded."""

    def add_adapter(self, name: str, folder: Path) -> None:
        """Let requests ask for an adapter by `name`; blocking. Raises ModelFolderError."""

    def remove_adapter(self, name: str) -> None:
        """Forget an adapter; requests that are under way with it go on to their end."""

    def stats(self) -> EngineStats:
        """How it is doing."""

    def close(self) -> None:
        """End all that is running; blocking."""


@dataclass(frozen=True, slots=True)
class Card:
    """What clients are told of a model."""

    name: str
    context: int | None
    """How many tokens it reads, or None where that is known only when it is loaded."""
    wording: str
    chat: bool
    """Whether it takes conversations."""
    fim: bool
    """Whether it was taught to fill in text at a cursor."""
    reads: tuple[Part, ...]
    """What of a completion request it gets to read, in its order."""
    description: str
    adapter: str | None = None
    """The name of the adapter that it is loaded with."""


@dataclass(frozen=True, slots=True)
class Served:
    """A model that answers."""

    engine: Answering
    card: Card


class Loader(Protocol):
    """From a choice of the user's to a model that answers."""

    def check(self, choice: ModelChoice) -> None:
        """Look whether the model is there and whole, without loading it; blocking, and quick.

        Raises AssistantError.
        """

    def load(self, choice: ModelChoice) -> Served:
        """Load the model; blocking, and as slow as the disk. Raises AssistantError."""

    def free(self) -> None:
        """Give the memory of an engine that was closed back to the system; blocking."""
