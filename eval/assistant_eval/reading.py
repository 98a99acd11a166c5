"""Many texts that begin alike, read by a model that computes the beginning once.

What is read can be gone on from: by one of several continuations, whose likelihoods are asked, or
by what the model itself would write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from assistant.engine.branches import branch
from assistant.engine.kv_cache import GrowingCache
from assistant.engine.load import LoadedModel
from assistant.engine.parts import Part
from assistant.engine.runner import make_runner
from assistant.prompts.segments import EOS


@dataclass(frozen=True, slots=True)
class Read:
    """A text that was read."""

    ids: tuple[int, ...]
    """All of it."""
    cache: Any
    """Its keys and values. Nothing may be appended to them: see `Reader.read`."""
    logits: torch.Tensor
    """`[kept, vocabulary]` in float32, behind its last tokens."""


@dataclass(frozen=True, slots=True)
class Continued:
    """What a model thinks of a continuation."""

    logprob: float
    """Its log-likelihood: the sum over its tokens, in nats."""
    likeliest: bool
    """Whether each of its tokens is the one that the model itself would choose."""

    def __add__(self, other: "Continued") -> "Continued":
        return Continued(self.logprob + other.logprob, self.likeliest and other.likeliest)


class Reader:
    """Reads for one model. Not to be used by two threads at once."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._runner = make_runner(loaded.model)
        self._adapter = loaded.adapter
        self._tokenizer = loaded.renderer.tokenizer
        end = self._tokenizer.token_id(EOS)
        self._ends = frozenset(() if end is None else (end,))

    def begin(self, ids: Sequence[int]) -> Read:
        """Read what several texts begin with, which may be nothing."""
        cache = self._runner.new_cache()
        if ids and isinstance(cache, GrowingCache):
            self._forward([Part(ids, cache, 0, self._adapter)])
        return Read(tuple(ids), cache, torch.empty(0))

    def read(
        self, texts: Sequence[tuple[Read, Sequence[int]]], keep: Sequence[int] | None = None
    ) -> list[Read]:
        """Go on from texts that were read, with the next tokens of each, in one pass.

        Several may go on from the same text. `keep` says the logits behind how many of the last
        tokens are wanted of each text, by default of the last one alone.
        """
        keeps = keep or [1] * len(texts)
        parts = [
            self._part(before, ids, count)
            for (before, ids), count in zip(texts, keeps, strict=True)
        ]
        logits = self._forward(parts)
        return [
            Read((*before.ids, *ids), part.cache, found.float())
            for (before, ids), part, found in zip(texts, parts, logits, strict=True)
        ]

    def likelihoods(
        self, asked: Sequence[tuple[Read, Sequence[Sequence[int]]]]
    ) -> list[list[float]]:
        """The log-likelihood of each continuation of each text; see `scores`."""
        return [[score.logprob for score in found] for found in self.scores(asked)]

    def scores(
        self, asked: Sequence[tuple[Read, Sequence[Sequence[int]]]]
    ) -> "list[list[Continued]]":
        """How each continuation of each text is taken by the model.

        The last token of a text must have its logits.
        """
        first = [torch.log_softmax(text.logits[-1], dim=-1) for text, _ in asked]
        found = [
            [_continued(logprobs.unsqueeze(0), ids[:1]) for ids in continuations]
            for logprobs, (_, continuations) in zip(first, asked, strict=True)
        ]
        longer = [
            (place, number, ids)
            for place, (_, continuations) in enumerate(asked)
            for number, ids in enumerate(continuations)
            if len(ids) > 1
        ]
        if longer:
            texts = [(asked[place][0], ids[:-1]) for place, _, ids in longer]
            read = self.read(texts, [len(ids) - 1 for _, _, ids in longer])
            for (place, number, ids), text in zip(longer, read, strict=True):
                rest = _continued(torch.log_softmax(text.logits, dim=-1), ids[1:])
                found[place][number] += rest
        return found

    def generate(self, texts: Sequence[Read], tokens: int, stop: str | None) -> list[str]:
        """What the model would write behind each text, always the likeliest token.

        An answer ends behind `tokens` tokens, with the token that ends a text, or before `stop`.
        """
        answers = [[int(text.logits[-1].argmax())] for text in texts]
        going = list(enumerate(texts))
        for _ in range(tokens - 1):
            going = [(place, text) for place, text in going if self._goes_on(answers[place], stop)]
            if not going:
                break
            going = self._step(going, answers)
        return [self._text(ids, stop) for ids in answers]

    def _step(
        self, going: Sequence[tuple[int, Read]], answers: Sequence[list[int]]
    ) -> list[tuple[int, Read]]:
        """One more token for each of these answers."""
        read = self.read([(text, answers[place][-1:]) for place, text in going])
        for (place, _), text in zip(going, read, strict=True):
            answers[place].append(int(text.logits[-1].argmax()))
        return [(place, text) for (place, _), text in zip(going, read, strict=True)]

    def _goes_on(self, ids: Sequence[int], stop: str | None) -> bool:
        ended = ids[-1] in self._ends
        return not ended and (stop is None or stop not in self._tokenizer.decode(ids))

    def _text(self, ids: Sequence[int], stop: str | None) -> str:
        text = self._tokenizer.decode(ids)
        return text if stop is None else text.partition(stop)[0]

    def _part(self, before: Read, ids: Sequence[int], keep: int) -> Part:
        if isinstance(before.cache, GrowingCache):
            return Part(ids, branch(before.cache), keep, self._adapter)
        # A cache that forgets cannot be shared: such a model reads the whole text again.
        return Part((*before.ids, *ids), self._runner.new_cache(), keep, self._adapter)

    def _forward(self, parts: Sequence[Part]) -> list[torch.Tensor]:
        return self._runner.forward(parts)


def _continued(logprobs: torch.Tensor, ids: Sequence[int]) -> Continued:
    """`logprobs` `[tokens, vocabulary]` stand before each of the tokens."""
    wanted = torch.tensor(ids, device=logprobs.device)
    total = float(logprobs.gather(-1, wanted.unsqueeze(-1)).sum())
    return Continued(total, bool((logprobs.argmax(-1) == wanted).all()))
