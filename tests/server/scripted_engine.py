"""An engine that needs no model: the user's text says what it does."""

import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from assistant import paths
from assistant.engine.turns import CancelToken
from assistant.errors import PromptError
from assistant.messages import CompletionRequest, Conversation, SamplingParams
from assistant.server.serving import Served


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Chunk:
    """The engine's own needs PyTorch to be imported, and these processes start often."""

    text: str
    finish: Literal["stop", "length"] | None = None
    usage: Usage | None = None


QUOTE = "a message that quotes the words of the user"
USAGE = Usage(prompt_tokens=7, cached_tokens=5, completion_tokens=3)


@dataclass
class ScriptedEngine:
    """Answers at once with the words of the last message, or with the prefix; see `_answer`."""

    conversations: list[Conversation] = field(default_factory=list)
    completions: list[CompletionRequest] = field(default_factory=list)
    params: list[SamplingParams] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)

    def forget(self) -> None:
        self.conversations.clear()
        self.completions.clear()
        self.params.clear()
        self.begun.clear()
        self.cancelled.clear()

    def chat(
        self,
        conversation: Conversation,
        params: SamplingParams,
        cancel: CancelToken | None = None,
    ) -> Iterator[Chunk]:
        self.conversations.append(conversation)
        self.params.append(params)
        return self._answer(conversation.turns[-1].content, cancel or CancelToken())

    def complete(
        self,
        request: CompletionRequest,
        params: SamplingParams,
        cancel: CancelToken | None = None,
    ) -> Iterator[Chunk]:
        self.completions.append(request)
        self.params.append(params)
        return self._answer(request.prefix, cancel or CancelToken())

    def _answer(self, text: str, cancel: CancelToken) -> Iterator[Chunk]:
        self.begun.set()
        match text:
            case "too long":
                raise PromptError("the prompt has 900 tokens and this model reads 512")
            case "bug":
                raise RuntimeError(QUOTE)
            case "bug midway":
                yield Chunk("begin")
                raise RuntimeError(QUOTE)
            case "for ever":
                yield Chunk("begin")
                self._until_cancelled(cancel)
            case "silence":
                self._until_cancelled(cancel)
            case "die once":
                died = paths.state_dir() / "died"
                if not died.exists():
                    died.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            case "die when told":
                yield Chunk("begin")
                while not (paths.state_dir() / "go").exists():
                    threading.Event().wait(0.01)
                os.kill(os.getpid(), signal.SIGKILL)
        for word in text.split(" "):
            yield Chunk(word)
        yield Chunk("", "stop", USAGE)

    def _until_cancelled(self, cancel: CancelToken) -> None:
        while not cancel.cancelled:
            threading.Event().wait(0.01)
        self.cancelled.set()
        cancel.check()


def served(engine: ScriptedEngine, name: str = "scripted") -> Served:
    """The engine as the server wants it."""
    return Served(
        engine=engine,
        name=name,
        context=512,
        wording="brief",
        chat=True,
        fim=True,
        description=f"{name}: words alone",
    )
