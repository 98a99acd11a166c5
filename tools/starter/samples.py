"""The training mix: seeded samples, rendered by `assistant.prompts` and packed into windows."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tokenizers import Tokenizer

from assistant.messages import Conversation, Message
from assistant.prompts import (
    CHAT_FORMATS,
    FIM_FORMATS,
    IGNORED,
    Renderer,
    Task,
    TextTokenizer,
    Wording,
    ask,
)
from tools.starter import code_samples, prose_samples
from tools.starter.documents import Corpus, Pool
from tools.starter.functions import Part
from tools.starter.tokenizer import BOS, EOS, SPECIAL

MIX: Mapping[str, float] = {
    "code": 0.19,
    "prose": 0.05,
    "fim": 0.47,
    "polish": 0.19,
    "explain": 0.03,
    "docstring": 0.02,
    "comment": 0.02,
    "grow": 0.03,
}
"""Each kind's share of the tokens."""


@dataclass(frozen=True)
class Sample:
    """Token ids, and for each the id to be learned there or `IGNORED`."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]


def renderer(fast: Tokenizer) -> Renderer:
    """The project's renderer with the starter's formats."""
    return Renderer(
        TextTokenizer(fast, bos=BOS, eos=EOS),
        chat_format=CHAT_FORMATS["starter"],
        fim_format=FIM_FORMATS["starter"],
    )


_FIM_CONTEXTS = (60, 100, 160, 160, 250, 400, 1200)
"""Characters around a hole. Mostly few: what is learned from a hole is its middle, and of a long
sample that is a small part."""
_FIM_WHOLE = 0.4
"""Of so many holes the text around is learned, too; of the others the middle alone, so that it
weighs more."""


class Sampler:
    """Draws samples of every kind from one part of the corpus."""

    def __init__(self, corpus: Corpus, fast: Tokenizer, part: Part = "train") -> None:
        self.renderer = renderer(fast)
        self.code = Pool(corpus.documents("code", part))
        self.prose = Pool(corpus.documents("prose", part))
        self._functions = corpus.functions(part)
        self._kinds: dict[str, Callable[[random.Random, int], Sample | None]] = {
            "code": self._plain_code,
            "prose": self._plain_prose,
            "fim": self._fim,
            "polish": self._polish,
            "explain": lambda rng, _: self._function(Task.EXPLAIN, rng),
            "docstring": lambda rng, _: self._function(Task.DOCSTRING, rng),
            "comment": self._comment,
            "grow": self._grow,
        }

    def sample(self, kind: str, rng: random.Random, window: int) -> Sample:
        """One sample of a kind, made for windows of `window` tokens."""
        while True:
            sample = self._kinds[kind](rng, window)
            if sample is not None and len(sample.ids) > 4:
                return sample

    def _plain_code(self, rng: random.Random, window: int) -> Sample:
        return self._plain(self.code.window(rng, int(window * rng.uniform(2.0, 4.0))))

    def _plain_prose(self, rng: random.Random, window: int) -> Sample:
        return self._plain(self.prose.window(rng, int(window * rng.uniform(2.0, 4.0))))

    def _plain(self, text: str) -> Sample:
        tokens = self.renderer.tokenizer
        ids = (SPECIAL.index(BOS), *tokens.encode_text(text), SPECIAL.index(EOS))
        return Sample(ids, ids)

    def _fim(self, rng: random.Random, window: int) -> Sample | None:
        pool = self.prose if rng.random() < 0.06 else self.code
        text = pool.draw(rng).text
        context = rng.choice(_FIM_CONTEXTS)
        hole = code_samples.cut(text, rng, context)
        if not hole.middle.strip():
            return None
        encoded = self.renderer.complete_training(hole.request, hole.middle)
        whole = rng.random() < _FIM_WHOLE
        return Sample(encoded.ids, encoded.ids if whole else encoded.labels)

    def _polish(self, rng: random.Random, window: int) -> Sample | None:
        pair = prose_samples.polish(self.prose.draw(rng).text, rng)
        return None if pair is None else self._task(Task.POLISH, *pair)

    def _grow(self, rng: random.Random, window: int) -> Sample | None:
        found = prose_samples.grow(self.prose.draw(rng).text, rng)
        return None if found is None else self._task(*found)

    def _function(self, task: Task, rng: random.Random) -> Sample | None:
        function = rng.choice(self._functions)
        return self._task(task, function.source, function.summary)

    def _comment(self, rng: random.Random, window: int) -> Sample | None:
        pair = code_samples.comment_to_code(lambda: self.code.window(rng, 6000), rng)
        return None if pair is None else self._task(Task.COMMENT_TO_CODE, *pair)

    def _task(self, task: Task, text: str, answer: str) -> Sample:
        asked = ask(task, text, wording=Wording.BRIEF, language="python")
        whole = Conversation((*asked.messages, Message("assistant", answer)))
        encoded = self.renderer.chat_training(whole)
        return Sample(encoded.ids, encoded.labels)


def pack(
    sampler: Sampler, rng: random.Random, window: int, mix: Mapping[str, float] = MIX
) -> Sample:
    """One window of `window` + 1 tokens: samples in a row, the last one cut."""
    ids: list[int] = []
    labels: list[int] = []
    for kind in _kinds(rng, mix):
        sample = sampler.sample(kind, rng, window)
        ids += sample.ids
        labels += sample.labels
        if len(ids) > window:
            return Sample(tuple(ids[: window + 1]), tuple(labels[: window + 1]))
    raise AssertionError("kinds never end")


_LENGTH = {
    "code": 380,
    "prose": 360,
    "fim": 89,
    "polish": 72,
    "explain": 140,
    "docstring": 115,
    "comment": 105,
    "grow": 80,
}
"""How many tokens a kind's samples have on average, so that the mix holds for tokens."""


def _kinds(rng: random.Random, mix: Mapping[str, float]) -> Iterator[str]:
    weights = [share / _LENGTH[kind] for kind, share in mix.items()]
    while True:
        yield rng.choices(list(mix), weights)[0]


def batch(
    sampler: Sampler,
    seed: int,
    step: int,
    rows: int,
    window: int,
    mix: Mapping[str, float] = MIX,
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """The inputs and the targets of one step, the same whenever it is asked for."""
    rng = random.Random(f"starter {seed} {step}")
    packed = [pack(sampler, rng, window, mix) for _ in range(rows)]
    inputs = [one.ids[:-1] for one in packed]
    targets = [one.labels[1:] for one in packed]
    return inputs, targets


__all__ = ["IGNORED", "MIX", "Sample", "Sampler", "batch", "pack", "renderer"]
