"""One model that answers: conversations and completions in, text out as it is made."""

import queue
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from assistant.engine.draft_model import DraftModel
from assistant.engine.drafting import Drafter, LookUp
from assistant.engine.folder import check_adapter_folder
from assistant.engine.generation import Generation
from assistant.engine.grammar import Grammars, Matcher
from assistant.engine.load import LoadedModel
from assistant.engine.loop import EngineLoop
from assistant.engine.lora import LoraAdapter, is_plain, load_adapter
from assistant.engine.memory import release_unused
from assistant.engine.prefix_cache import PrefixCache
from assistant.engine.requests import Chunk, Deliver, EngineStats, Job
from assistant.engine.runner import make_runner
from assistant.engine.sampling import Sampler
from assistant.engine.scheduler import Limits
from assistant.engine.threads import end_workers
from assistant.engine.trained_for import check_note
from assistant.engine.trim import Trimmer
from assistant.errors import ModelFolderError, ModelNotFoundError, PromptError
from assistant.messages import CompletionRequest, Conversation, SamplingParams
from assistant.prompts import Prompt

_MOST_TOGETHER = 16
_SMALL, _LARGE = 100_000_000, 1_000_000_000
"""Parameters: below the first a CPU's cache holds much of a model; from the second on a chunk of
a prompt takes long enough."""


class Engine:
    """Answers requests with one model, all at once, in passes of one thread of its own.

    Safe to use from several threads. What a request has computed serves later ones.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        *,
        cache_bytes: int | None = None,
        draft: LoadedModel | None = None,
    ) -> None:
        """`cache_bytes` limits what is kept of earlier requests; see `cache_share`.

        `draft` is a small model that guesses tokens for this one. Raises UsageError when it has
        another vocabulary.
        """
        self.loaded = loaded
        self._draft = None if draft is None else DraftModel(draft, loaded)
        self._runner = make_runner(loaded.model)
        # What loading the model and joining its layers have left.
        release_unused()
        end_workers()
        self._adapters: dict[str, LoraAdapter] = {}
        self._trimmer = Trimmer(loaded.renderer, loaded.context)
        self._grammars: Grammars | None = None
        self._lock = threading.Lock()
        size = cache_share() if cache_bytes is None else cache_bytes
        self._prefixes = PrefixCache(self._runner.new_cache, max_bytes=size)
        self._loop = EngineLoop(
            self._runner, self._prefixes, _limits(loaded), _out_of_memory(loaded)
        )
        # Nobody has to close an engine: its thread ends with the last that uses it.
        self._closed = weakref.finalize(self, self._loop.close)

    def chat(
        self, conversation: Conversation, params: SamplingParams, job: Job | None = None
    ) -> Iterator[Chunk]:
        """The assistant's next answer. Raises as `generate` does."""
        return self.generate(self.loaded.renderer.chat(conversation), params, job)

    def complete(
        self, request: CompletionRequest, params: SamplingParams, job: Job | None = None
    ) -> Iterator[Chunk]:
        """The text at a cursor; of long files, what stands around it. Raises as `generate` does."""
        return self.generate(self._trimmer.prompt(request, params.max_tokens), params, job)

    def generate(
        self, prompt: Prompt, params: SamplingParams, job: Job | None = None
    ) -> Iterator[Chunk]:
        """The text behind `prompt`, in pieces.

        Raises PromptError at once when the prompt leaves no room for an answer, UsageError for a
        schema that cannot be followed, and ModelNotFoundError for an adapter that is not there.
        While the answer is iterated, raises what ended it: Cancelled when the job was cancelled.
        Closing the iterator cancels the job.
        """
        job = job or Job()
        pieces: queue.SimpleQueue[Chunk | Exception] = queue.SimpleQueue()
        self.submit(prompt, params, job, pieces.put)
        return self._iterate(pieces, job)

    def submit_chat(
        self, conversation: Conversation, params: SamplingParams, job: Job, deliver: Deliver
    ) -> None:
        """Begin the assistant's next answer. Raises as `generate` does, and returns at once."""
        self.submit(self.loaded.renderer.chat(conversation), params, job, deliver)

    def submit_complete(
        self, request: CompletionRequest, params: SamplingParams, job: Job, deliver: Deliver
    ) -> None:
        """Begin the text at a cursor. Raises as `generate` does, and returns at once."""
        self.submit(self._trimmer.prompt(request, params.max_tokens), params, job, deliver)

    def submit(
        self,
        prompt: Prompt,
        params: SamplingParams,
        job: Job,
        deliver: Deliver,
        *,
        drafts: bool = True,
        sampler: Sampler | None = None,
    ) -> None:
        """Begin the text behind `prompt`. Raises as `generate` does, and returns at once.

        Without `drafts` every token takes a pass of its own. `sampler` chooses tokens in another
        way than `params` say.
        """
        self._check(prompt)
        self._loop.submit(
            Generation(
                prompt,
                params,
                job,
                deliver,
                tokenizer=self.loaded.renderer.tokenizer,
                context=self.loaded.context,
                adapter=self._adapter(job.adapter),
                matcher=self._matcher(params, prompt),
                drafter=self._drafter() if drafts else None,
                sampler=sampler,
            )
        )

    def begin_together(self, submit: Callable[[], None]) -> None:
        """Run `submit` between two passes: the requests that it begins all begin with the next one.

        What is computed together is rounded together, so the same requests, after `forget` and with
        nothing else under way, give the same text again. Raises what `submit` raises.
        """
        self._loop.call(submit)

    @property
    def adapter_names(self) -> tuple[str, ...]:
        """The adapters that requests may ask for."""
        return tuple(self._adapters)

    def add_adapter(self, name: str, folder: Path) -> None:
        """Let requests ask for the adapter in `folder` by `name`; those under way go on.

        Raises ModelFolderError when it is damaged, of a special kind, or for another base model or
        chat format.
        """
        tensors = check_adapter_folder(folder)
        if not is_plain(folder, tensors):
            raise ModelFolderError(
                f"the adapter {folder} changes more than a LoRA beside linear layers: it can only"
                " be loaded with the model, as `adapter` in the settings"
            )
        check_note(folder, self.loaded.model, self.loaded.renderer)
        adapter = load_adapter(name, folder, tensors, self.loaded.model)
        self.remove_adapter(name)
        self._adapters[name] = adapter

    def remove_adapter(self, name: str) -> None:
        """Forget an adapter; requests that are under way with it go on to their end."""
        if self._adapters.pop(name, None) is not None:
            self._loop.call(lambda: self._prefixes.drop(name))

    @property
    def queued(self) -> int:
        """How many requests there are: those that are answered and those that wait."""
        return self._loop.length

    def stats(self) -> EngineStats:
        """How it is doing."""
        return self._loop.stats()

    def forget(self) -> None:
        """Free the memory that is kept of earlier requests."""
        self._loop.call(self._prefixes.clear)

    def close(self) -> None:
        """End what is running, and the thread; whoever waits gets Cancelled."""
        self._closed()
        if threading.current_thread() is not self._loop.thread:
            self._loop.thread.join()

    def _iterate(self, pieces: "queue.SimpleQueue[Chunk | Exception]", job: Job) -> Iterator[Chunk]:
        # A method: the engine stays for as long as somebody iterates.
        try:
            while True:
                piece = pieces.get()
                if isinstance(piece, Exception):
                    raise piece
                yield piece
                if piece.finish is not None:
                    return
        finally:
            job.cancel.cancel()

    def _check(self, prompt: Prompt) -> None:
        tokens, context = len(prompt.ids), self.loaded.context
        if not prompt.ids:
            raise PromptError("the prompt is empty, and this model has no token to begin with")
        if tokens >= context:
            raise PromptError(
                f"the prompt has {tokens} tokens and {self.loaded.name} reads at most {context}:"
                f" shorten it by {tokens - context + 1} tokens or more"
            )

    def _adapter(self, name: str | None) -> LoraAdapter | None:
        if name is None:
            return self.loaded.adapter
        try:
            return self._adapters[name]
        except KeyError:
            raise ModelNotFoundError(
                f"{self.loaded.name} has no adapter {name}: add it first"
            ) from None

    def _drafter(self) -> Drafter:
        return LookUp() if self._draft is None else self._draft.drafter()

    def _matcher(self, params: SamplingParams, prompt: Prompt) -> Matcher | None:
        if params.json_schema is None:
            return None
        with self._lock:
            if self._grammars is None:
                tokenizer = self.loaded.renderer.tokenizer
                self._grammars = Grammars(tokenizer, self.loaded.model.config.vocab_size)
        return self._grammars.matcher(params.json_schema, prompt.end_ids)


def cache_share() -> int:
    """Bytes for earlier requests, if nobody says how many: a quarter of the free memory."""
    return int(psutil.virtual_memory().available // 4)


def _limits(loaded: LoadedModel) -> Limits:
    """On a CPU a chunk of a large model's prompt takes seconds, and a row has its price.

    Where weights are read from memory, eight rows cost twice as much as one (see `linear`), and
    more cost what they would cost apart. In a small model most of a pass is not products at all.
    """
    parameters = loaded.description.parameters
    if loaded.model.device.type != "cpu":
        return Limits(_MOST_TOGETHER, chunk=1024, checked=64)
    if parameters < _SMALL:
        return Limits(_MOST_TOGETHER, chunk=512, checked=32)
    return Limits(_MOST_TOGETHER, chunk=512 if parameters < _LARGE else 256, checked=8)


def _out_of_memory(loaded: LoadedModel) -> str:
    quantization = "int4" if loaded.model.device.type == "cpu" else "nf4"
    return (
        f"{loaded.name} ran out of memory on {loaded.description.device} at {{tokens}} tokens:"
        f" shorten the prompt, or load it with quantization {quantization}"
    )
