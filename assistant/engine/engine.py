"""One model that answers: conversations and completions in, text out as it is made."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch

from assistant.engine.detokenize import Detokenizer
from assistant.engine.generate import TokenLoop
from assistant.engine.kv_cache import GrowingCache, new_cache
from assistant.engine.load import LoadedModel
from assistant.engine.prefix_cache import PrefixCache
from assistant.engine.sampling import Sampler
from assistant.engine.trim import Trimmer
from assistant.engine.turns import CancelToken, Turns
from assistant.errors import AssistantError, PromptError
from assistant.messages import CompletionRequest, Conversation, SamplingParams
from assistant.prompts import Prompt
from assistant.prompts.stopping import StopFilter

__all__ = ["CACHE_BYTES", "CACHE_ENTRIES", "CancelToken", "Chunk", "Engine", "Finish", "Usage"]

CACHE_ENTRIES = 8
CACHE_BYTES = 2 << 30

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a request took, in tokens."""

    prompt_tokens: int
    cached_tokens: int
    """How many of the prompt's tokens earlier requests had computed already."""
    completion_tokens: int
    """All tokens made, those of a stop string and the end token included."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer. The last one says how it ended and what it took."""

    text: str
    finish: Finish | None = None
    """`stop`: the model or a stop string ended it; `length`: max_tokens or the context did."""
    usage: Usage | None = None


class Engine:
    """Answers requests with one model, one at a time, in the order in which they came.

    Safe to use from several threads. The iterators compute while they are iterated; closing one,
    or cancelling its token, ends its request, and what it has computed serves later requests.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        *,
        cache_entries: int = CACHE_ENTRIES,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """`cache_entries` and `cache_bytes` limit what is kept of earlier requests; see there."""
        self.loaded = loaded
        self._loop = TokenLoop(loaded.model)
        self._turns = Turns()
        self._prefixes = PrefixCache(entries=cache_entries, max_bytes=cache_bytes)
        self._trimmer = Trimmer(loaded.renderer, loaded.context)

    def chat(
        self,
        conversation: Conversation,
        params: SamplingParams,
        cancel: CancelToken | None = None,
    ) -> Iterator[Chunk]:
        """The assistant's next answer. Raises as `generate` does."""
        return self.generate(self.loaded.renderer.chat(conversation), params, cancel)

    def complete(
        self,
        request: CompletionRequest,
        params: SamplingParams,
        cancel: CancelToken | None = None,
    ) -> Iterator[Chunk]:
        """The text at a cursor; of long files, what stands around it. Raises as `generate` does."""
        prompt = self._trimmer.prompt(request, params.max_tokens)
        return self.generate(prompt, params, cancel)

    def generate(
        self, prompt: Prompt, params: SamplingParams, cancel: CancelToken | None = None
    ) -> Iterator[Chunk]:
        """The text behind `prompt`.

        Raises PromptError at once when the prompt leaves no room for an answer. While the answer
        is iterated, raises Cancelled when `cancel` says so: while waiting for its turn, or between
        two tokens.
        """
        tokens, context = len(prompt.ids), self.loaded.context
        if not prompt.ids:
            raise PromptError("the prompt is empty, and this model has no token to begin with")
        if tokens >= context:
            raise PromptError(
                f"the prompt has {tokens} tokens and {self.loaded.name} reads at most {context}:"
                f" shorten it by {tokens - context + 1} tokens or more"
            )
        return self._run(prompt, params, cancel or CancelToken())

    @property
    def queued(self) -> int:
        """How many requests there are: the one that is answered and those that wait."""
        return self._turns.length

    def forget(self) -> None:
        """Free the memory that is kept of earlier requests; waits for the one that is running."""
        with self._turns.turn(CancelToken()):
            self._prefixes.clear()

    def _run(self, prompt: Prompt, params: SamplingParams, cancel: CancelToken) -> Iterator[Chunk]:
        with self._turns.turn(cancel):
            cache = self._prefixes.take(prompt.ids) or new_cache(self.loaded.model.config)
            ids = list(prompt.ids)
            try:
                sampler = Sampler(params)
                cached = cache.get_seq_length()
                tokens = self._loop.tokens(prompt.ids, cache, sampler, cancel.check)
                yield from self._answer(prompt, params, ids, tokens, cached)
            except torch.OutOfMemoryError as error:
                self._prefixes.clear()
                raise AssistantError(
                    f"{self.loaded.name} ran out of memory on {self.loaded.description.device} at"
                    f" {len(ids)} tokens: shorten the prompt, or load it with quantization nf4"
                ) from error
            finally:
                if isinstance(cache, GrowingCache):
                    self._prefixes.put(ids[: cache.get_seq_length()], cache)

    def _answer(
        self,
        prompt: Prompt,
        params: SamplingParams,
        ids: list[int],
        tokens: Iterator[int],
        cached: int,
    ) -> Iterator[Chunk]:
        """The chunks of an answer; appends each token to `ids`, which begins with the prompt's."""
        text = _AnswerText(self, prompt, params)
        before = len(prompt.ids)
        limit = min(params.max_tokens, self.loaded.context - before)
        finish: Finish = "length"
        for token in tokens:
            ids.append(token)
            if token in prompt.end_ids:
                finish = "stop"
                break
            piece = text.push(token)
            if piece:
                yield Chunk(piece)
            if text.stopped:
                finish = "stop"
                break
            if len(ids) - before >= limit:
                break
        rest = text.finish()
        usage = Usage(before, cached, len(ids) - before)
        yield Chunk(rest, "stop" if text.stopped else finish, usage)


class _AnswerText:
    """An answer's text on its way out: whole characters, up to a stop string."""

    def __init__(self, engine: Engine, prompt: Prompt, params: SamplingParams) -> None:
        tokenizer = engine.loaded.renderer.tokenizer
        self._characters = Detokenizer(tokenizer, drop_space=prompt.drop_space)
        self._stops = StopFilter((*prompt.stop, *params.stop))

    def push(self, token: int) -> str:
        return self._stops.push(self._characters.push(token))

    def finish(self) -> str:
        return self._stops.push(self._characters.finish()) + self._stops.finish()

    @property
    def stopped(self) -> bool:
        return self._stops.stopped
