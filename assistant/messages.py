"""The values that travel between the parts: what is asked, and how to answer it.

Plain frozen dataclasses that check themselves where they are made, all problems at once.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from assistant.errors import PromptError, UsageError

Role = Literal["system", "user", "assistant"]
MAX_TOP_LOGPROBS = 20


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str

    def __post_init__(self) -> None:
        if self.role not in get_args(Role):
            raise PromptError(f"unknown role {self.role!r}: use system, user or assistant")


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns in order, with at most one system message, which stands first.

    When the last message is the assistant's, a request for an answer continues that message.
    """

    messages: tuple[Message, ...]

    def __post_init__(self) -> None:
        problems = []
        if not any(message.role != "system" for message in self.messages):
            problems.append("it has no user or assistant message")
        if any(message.role == "system" for message in self.messages[1:]):
            problems.append("a system message may only stand first")
        if problems:
            raise PromptError("this conversation cannot be rendered: " + "; ".join(problems))

    @property
    def system(self) -> str | None:
        """The system message's text, or None."""
        first = self.messages[0]
        return first.content if first.role == "system" else None

    @property
    def turns(self) -> tuple[Message, ...]:
        """The messages after the system message."""
        return self.messages[1:] if self.messages[0].role == "system" else self.messages


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of another file, or of another place in the same one, that may help."""

    path: str
    """The file's path, inside its project where it belongs to one."""
    text: str


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """Text around a cursor: what stands before it is to be continued, up to what stands after."""

    prefix: str
    suffix: str = ""
    language: str = ""
    """The editor's name of the language (`python`, `markdown`), or empty."""
    path: str = ""
    """The file's path as the user knows it, or empty."""
    context: tuple[Snippet, ...] = ()
    """What to read first, in that order; what changes least stands first."""
    project: str = ""
    """The folder of the project that the file belongs to, or empty."""

    @property
    def size(self) -> int:
        """The characters of all its texts."""
        pieces = sum(len(piece.path) + len(piece.text) for piece in self.context)
        return len(self.prefix) + len(self.suffix) + pieces

    @property
    def inner_path(self) -> str:
        """The file's path inside its project."""
        below = f"{self.project.rstrip('/')}/"
        return self.path.removeprefix(below) if self.project else self.path


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How to choose tokens and when to stop."""

    max_tokens: int = 512
    temperature: float = 0.0
    """0 takes the likeliest token (greedy); higher is more varied."""
    top_p: float = 1.0
    """Only the likeliest tokens that together reach this probability are considered."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer; they are not part of it."""
    seed: int | None = None
    top_logprobs: int | None = None
    """How many likely alternatives to tell for each token; 0 for the chosen one alone, None for
    no probabilities at all."""
    json_schema: str | None = None
    """A JSON schema, as JSON, that the answer must follow; `{}` is any JSON value."""

    def __post_init__(self) -> None:
        problems = []
        if self.max_tokens < 1:
            problems.append(f"max_tokens is {self.max_tokens}, it must be at least 1")
        if not 0.0 <= self.temperature <= 10.0:
            problems.append(f"temperature is {self.temperature}, it must be from 0 to 10")
        if not 0.0 < self.top_p <= 1.0:
            problems.append(f"top_p is {self.top_p}, it must be above 0 and at most 1")
        if self.top_logprobs is not None and not 0 <= self.top_logprobs <= MAX_TOP_LOGPROBS:
            problems.append(f"top_logprobs is {self.top_logprobs}, it must be from 0 to 20")
        if any(not text for text in self.stop):
            problems.append("a stop text is empty")
        if problems:
            raise UsageError("; ".join(problems))
