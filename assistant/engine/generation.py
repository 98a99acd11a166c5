"""One request on its way through the engine: its tokens so far, and what is said of them."""

from collections.abc import Sequence
from typing import Any

import torch

from assistant.engine.answer_text import AnswerText
from assistant.engine.drafting import Drafter
from assistant.engine.grammar import Matcher
from assistant.engine.kv_cache import GrowingCache
from assistant.engine.likelihood import Likelihoods
from assistant.engine.lora import LoraAdapter
from assistant.engine.parts import Part
from assistant.engine.prefix_cache import Kept
from assistant.engine.requests import Chunk, Deliver, Finish, Job, TokenLikelihood, Usage
from assistant.engine.sampling import Sampler
from assistant.messages import SamplingParams
from assistant.prompts import Prompt, TextTokenizer


class Generation:
    """An answer that is being made. Used by the engine's thread alone once it has begun."""

    def __init__(
        self,
        prompt: Prompt,
        params: SamplingParams,
        job: Job,
        deliver: Deliver,
        *,
        tokenizer: TextTokenizer,
        context: int,
        adapter: LoraAdapter | None = None,
        matcher: Matcher | None = None,
        drafter: Drafter | None = None,
        sampler: Sampler | None = None,
    ) -> None:
        """`context` is how many tokens prompt and answer may have together.

        `drafter` guesses tokens that are then checked together; `sampler` chooses tokens in
        another way than `params` say.
        """
        self.job = job
        self.deliver = deliver
        self.adapter = adapter
        self.ids = list(prompt.ids)
        self.cache: Any = None
        self._prompt = prompt
        self._limit = min(params.max_tokens, context - len(prompt.ids))
        self._text = AnswerText(tokenizer, prompt, params)
        self._sampler = sampler or Sampler(params)
        self._matcher = matcher
        self._likelihoods = (
            None if params.top_logprobs is None else Likelihoods(tokenizer, params.top_logprobs)
        )
        self._told: list[TokenLikelihood] = []
        self._drafter = drafter
        self._guessed: list[int] = []
        self._cached = self._drafted = self._accepted = 0
        self.finished = False
        self.interruptions = 0
        """How often the reading of its prompt was broken off for somebody else."""

    def begin(self, cache: Any) -> None:
        """Take the keys and values of a beginning of the prompt."""
        self.cache = cache
        self._cached = self._held

    @property
    def pending(self) -> int:
        """Tokens that are to be read before the next one can be chosen."""
        return len(self.ids) - self._held

    @property
    def reading(self) -> bool:
        """Whether more than the newest token is to be read."""
        return self.cache is None or self.pending > 1

    @property
    def usage(self) -> Usage:
        """What it took so far."""
        before = len(self._prompt.ids)
        made = len(self.ids) - before
        return Usage(before, self._cached, made, self._drafted, self._accepted)

    def next_part(self, most: int) -> Part:
        """What to read next: at most `most` tokens, guesses included."""
        held = self._held
        ids: Sequence[int] = self.ids[held : held + most]
        if held + len(ids) < len(self.ids):
            return Part(ids, self.cache, 0, self.adapter)
        self._guessed = []
        if len(ids) == 1 and self._drafter is not None and isinstance(self.cache, GrowingCache):
            # The answer's last token needs no pass, so no guess may reach it.
            left = self._limit - (len(self.ids) - len(self._prompt.ids)) - 1
            self._guessed = self._drafter.guess(self.ids, min(most - 1, left))
        return Part([*ids, *self._guessed], self.cache, 1 + len(self._guessed), self.adapter)

    def take(self, logits: torch.Tensor) -> Chunk | None:
        """Choose tokens from the logits that `next_part` asked for.

        Returns the piece of the answer that is to be delivered, if there is any text in it or it is
        the last. Raises what a schema's matcher raises.
        """
        right = 0
        pieces: list[str] = []
        for place, row in enumerate(logits):
            token = self._choose(row)
            pieces.append(self._add(token, row))
            guess = self._guessed[place] if place < len(self._guessed) else None
            if self.finished or token != guess:
                break
            right += 1
        if self._guessed and self._drafter is not None:
            self.cache.hold(len(self.ids) - 1)
            self._drafted += len(self._guessed)
            self._accepted += right
        if self._drafter is not None:
            self._drafter.learn_outcome(len(self._guessed), right)
        return self._chunk("".join(pieces))

    def kept(self) -> Kept | None:
        """What others may reuse of it."""
        if not isinstance(self.cache, GrowingCache):
            return None
        length = self.cache.length
        return Kept(
            tuple(self.ids[:length]),
            min(length, len(self._prompt.ids)),
            self.cache,
            self.adapter.name if self.adapter else None,
        )

    @property
    def _held(self) -> int:
        held: int = self.cache.get_seq_length()
        return held

    def _choose(self, row: torch.Tensor) -> int:
        if self._matcher is None:
            return self._sampler.choose(row)
        token = self._sampler.choose(self._matcher.mask(row))
        self._matcher.advance(token)
        return token

    def _add(self, token: int, row: torch.Tensor) -> str:
        """Make `token` part of the answer; the text that is certain now."""
        self.ids.append(token)
        if token in self._prompt.end_ids:
            return self._end("stop")
        if self._likelihoods is not None:
            self._told.append(self._likelihoods.of(row, token))
        text = self._text.push(token)
        if self._text.stopped:
            return text + self._end("stop")
        if len(self.ids) - len(self._prompt.ids) >= self._limit:
            return text + self._end("length")
        return text

    def _end(self, finish: Finish) -> str:
        self.finished = True
        rest = self._text.finish()
        self._finish: Finish = "stop" if self._text.stopped else finish
        return rest

    def _chunk(self, text: str) -> Chunk | None:
        if not text and not self.finished:
            return None
        told = tuple(self._told)
        self._told.clear()
        if self.finished:
            return Chunk(text, self._finish, self.usage, told)
        return Chunk(text, tokens=told)
