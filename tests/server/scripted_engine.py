"""An engine that needs no model: the user's text says what it does."""

import os
import queue
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from assistant import paths
from assistant.client.record import ModelChoice
from assistant.engine.requests import (
    Chunk,
    Deliver,
    EngineStats,
    Job,
    Likelihood,
    TokenLikelihood,
    Usage,
)
from assistant.errors import Cancelled, ModelFolderError, PromptError, UsageError
from assistant.messages import CompletionRequest, Conversation, SamplingParams
from assistant.server.engines import Card, Served

QUOTE = "a message that quotes the words of the user"
USAGE = Usage(
    prompt_tokens=7, cached_tokens=5, completion_tokens=3, drafted_tokens=2, accepted_tokens=1
)
BAD_SCHEMA = "the JSON schema cannot be followed at $: Invalid type: bogus"
LOGPROB = -0.25


@dataclass
class ScriptedEngine:
    """Answers with the words of the last message, or of the prefix, one request after the other.

    See `_answer` for the texts that make it do something else.
    """

    conversations: list[Conversation] = field(default_factory=list)
    completions: list[CompletionRequest] = field(default_factory=list)
    params: list[SamplingParams] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    """Those that were begun, in order."""
    answered: list[str] = field(default_factory=list)
    """Their texts."""
    begun: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)
    adapter_names: tuple[str, ...] = ()
    _steps: int = 0

    def __post_init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Iterator[Chunk], Job, Deliver] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._run, name="scripted engine", daemon=True)
        self._thread.start()

    def forget(self) -> None:
        self.conversations.clear()
        self.completions.clear()
        self.params.clear()
        self.jobs.clear()
        self.answered.clear()
        self.begun.clear()
        self.cancelled.clear()

    def submit_chat(
        self, conversation: Conversation, params: SamplingParams, job: Job, deliver: Deliver
    ) -> None:
        self.conversations.append(conversation)
        self._submit(conversation.turns[-1].content, params, job, deliver)

    def submit_complete(
        self, request: CompletionRequest, params: SamplingParams, job: Job, deliver: Deliver
    ) -> None:
        self.completions.append(request)
        self._submit(request.prefix, params, job, deliver)

    def add_adapter(self, name: str, folder: Path) -> None:
        if not (folder / "adapter_model.safetensors").is_file():
            raise ModelFolderError(f"{folder / 'adapter_model.safetensors'} is missing")
        self.adapter_names += (name,)

    def remove_adapter(self, name: str) -> None:
        self.adapter_names = tuple(known for known in self.adapter_names if known != name)

    def stats(self) -> EngineStats:
        return EngineStats(
            running=0,
            waiting=0,
            cache_bytes=64,
            steps=self._steps,
            prompt_tokens=7,
            cached_tokens=5,
            completion_tokens=3,
            drafted_tokens=2,
            accepted_tokens=1,
        )

    def close(self) -> None:
        self.closed.set()
        self._queue.put(None)
        self._thread.join()

    def _submit(self, text: str, params: SamplingParams, job: Job, deliver: Deliver) -> None:
        self.params.append(params)
        if text == "too long":
            raise PromptError("the prompt has 900 tokens and this model reads 512")
        if params.json_schema is not None and "bogus" in params.json_schema:
            raise UsageError(BAD_SCHEMA)
        self._queue.put((self._answer(text, params, job), job, deliver))

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            chunks, job, deliver = item
            try:
                job.cancel.check()
                self.jobs.append(job)
                for chunk in chunks:
                    deliver(chunk)
            except Exception as error:
                deliver(error)

    def _answer(self, text: str, params: SamplingParams, job: Job) -> Iterator[Chunk]:
        self.answered.append(text)
        self.begun.set()
        match text:
            case "bug":
                raise RuntimeError(QUOTE)
            case "bug midway":
                yield Chunk("begin")
                raise RuntimeError(QUOTE)
            case "for ever":
                yield Chunk("begin")
                self._until_cancelled(job)
            case "silence":
                self._until_cancelled(job)
            case "until told":
                yield Chunk("begin")
                while not (paths.state_dir() / "go").exists():
                    threading.Event().wait(0.01)
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
            self._steps += 1
            yield Chunk(word, tokens=tokens_of(word, params.top_logprobs))
        yield Chunk("", "stop", USAGE)

    def _until_cancelled(self, job: Job) -> None:
        while not (job.cancel.cancelled or self.closed.is_set()):
            threading.Event().wait(0.01)
        self.cancelled.set()
        raise Cancelled("the request was cancelled")


def tokens_of(word: str, top: int | None) -> tuple[TokenLikelihood, ...]:
    """A word as one token, and the letters of the alphabet as what else it might have been."""
    if top is None:
        return ()
    others = [Likelihood(letter, letter.encode(), -float("inf")) for letter in "xyz"[:top]]
    return (TokenLikelihood(Likelihood(word, word.encode(), LOGPROB), tuple(others)),)


def served(engine: ScriptedEngine, name: str = "scripted") -> Served:
    """The engine as the server wants it."""
    card = Card(
        name=name,
        context=512,
        wording="brief",
        chat=True,
        fim=True,
        reads=("suffix", "prefix"),
        description=f"{name}: words alone",
    )
    return Served(engine, card)


@dataclass
class ScriptedLoader:
    """Has engines at once, and remembers them by the names of their models."""

    engines: dict[str, ScriptedEngine] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)

    def check(self, choice: ModelChoice) -> None:
        """Every model is there."""

    def load(self, choice: ModelChoice) -> Served:
        self.loads.append(choice.model)
        engine = self.engines.get(choice.model)
        if engine is None or engine.closed.is_set():
            engine = self.engines[choice.model] = ScriptedEngine()
        return served(engine, choice.model)

    def free(self) -> None:
        """There is nothing to free."""
