"""The model as it is served, in the form in which lm-evaluation-harness asks models."""

from collections.abc import Callable, Sequence
from typing import Any

from lm_eval.api.model import TemplateLM
from lm_eval.models.utils import normalize_gen_kwargs
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from assistant.engine.engine import Engine
from assistant.engine.load import LoadedModel
from assistant.errors import UsageError
from assistant.messages import SamplingParams
from assistant.prompts import Prompt
from assistant.prompts.segments import EOS
from assistant_eval.encoding import Encoder, Ids
from assistant_eval.harness.likelihoods import Request, Scorer, arranged
from assistant_eval.kept import KeptAnswers
from assistant_eval.listening import Listener
from assistant_eval.reading import Reader

_Model: Any = TemplateLM  # has no type annotations that hold
_TOGETHER = 8
"""Answers that are written at the same time."""
_WRITTEN = 256
"""Tokens of an answer where a task does not say."""


class Served(_Model):  # type: ignore[misc]
    """One loaded model. The library's own rules hold for how texts become tokens."""

    def __init__(self, loaded: LoadedModel, kept: KeptAnswers, listener: Listener) -> None:
        """`kept` has the answers that are there already, and `listener` hears of all."""
        super().__init__()
        tokenizer = loaded.renderer.tokenizer
        self._loaded, self._kept, self._listener = loaded, kept, listener
        self._encoder = Encoder(tokenizer)
        end = tokenizer.token_id(EOS)
        first = self._encoder.bos if self._encoder.bos is not None else end
        if first is None:
            raise UsageError("the model has no token that begins or ends a text, which tasks need")
        self._first: int = first
        self._ends = frozenset(() if end is None else (end,))
        self._begins: str = tokenizer.fast.id_to_token(first) or ""

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        return next(iter(self._ends), self._first)

    @property
    def prefix_token_id(self) -> int:
        """The token that stands before a text with nothing before it."""
        return self._first

    def tok_encode(
        self, string: str, add_special_tokens: bool | None = None, **_: object
    ) -> list[int]:
        """The ids of a text; a token that begins texts is not put before one that it begins."""
        has_it = bool(self._begins) and string.startswith(self._begins)
        alone = add_special_tokens is False or (add_special_tokens is None and has_it)
        (ids,) = self._encoder.encode([string], "none" if alone else "tokenizer")
        return list(ids)

    def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """See the library; without bars of its own."""
        found: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm=True)
        return found

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = True) -> list[float]:
        """See the library."""
        windows = [[*self._windows(*request.args)] for request in requests]
        scores = iter(self._scores([window for several in windows for window in several]))
        return [sum(next(scores)[0] for _ in several) for several in windows]

    def generate_until(self, requests: Any, disable_tqdm: bool = True) -> list[str]:
        """See the library. What the engine writes is what the server would."""
        asked = [list(request.args) for request in requests]
        passes = [asked[start : start + _TOGETHER] for start in range(0, len(asked), _TOGETHER)]
        engine = Engine(self._loaded)
        try:
            return self._kept.of(
                passes, lambda number: self._written(engine, passes[number]), self._told(len(asked))
            )
        finally:
            engine.close()

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[Any, list[int], list[int]]], **_: object
    ) -> list[tuple[float, bool]]:
        return self._scores(
            [Request(tuple(prompt), tuple(continuation)) for _, prompt, continuation in requests]
        )

    def _scores(self, requests: Sequence[Request]) -> list[tuple[float, bool]]:
        context = self._loaded.context
        batches = arranged([request.fitted(context) for request in requests])
        scorer = Scorer(Reader(self._loaded))

        def answer(number: int) -> list[tuple[float, bool]]:
            return [(one.logprob, one.likeliest) for one in scorer.answer(batches[number])]

        passes = [[[one.prompt, one.continuation] for _, one in each.requests] for each in batches]
        answers = self._kept.of(passes, answer, self._told(len(requests)))
        places = [place for batch in batches for place, _ in batch.requests]
        found = dict(zip(places, answers, strict=True))
        return [(found[place][0], found[place][1]) for place in range(len(requests))]

    def _windows(self, text: str) -> list[Request]:
        """A whole text, each token asked for once, behind as many others as can be read."""
        pairs = get_rolling_token_windows(
            self.tok_encode(text), self._first, self._loaded.context, context_len=1
        )
        return [
            Request(tuple(prompt), tuple(continuation))
            for prompt, continuation in map(make_disjoint_window, pairs)
        ]

    def _written(self, engine: Engine, asked: Sequence[list[Any]]) -> list[str]:
        """Answers that are written together."""
        answers = []
        for text, told in asked:
            params = _params(told, self._loaded.context)
            ids: Ids = tuple(self.tok_encode(text)[params.max_tokens - self._loaded.context :])
            answers.append(engine.generate(Prompt(ids, self._ends), params))
        return ["".join(chunk.text for chunk in answer) for answer in answers]

    def _told(self, count: int) -> Callable[[int], object]:
        return lambda done: self._listener.answered(done, count)


def _params(told: dict[str, Any], context: int) -> SamplingParams:
    """How an answer is to be written, from a task's own words. Raises UsageError."""
    wanted: Any = normalize_gen_kwargs(told, _WRITTEN)
    if wanted["max_gen_toks"] >= context:
        raise UsageError(
            f"a task wants answers of {wanted['max_gen_toks']} tokens, and the model reads and"
            f" writes {context} together"
        )
    return SamplingParams(
        max_tokens=wanted["max_gen_toks"],
        temperature=wanted.get("temperature", 0.0),
        top_p=wanted.get("top_p", 1.0),
        stop=tuple(text for text in wanted.get("until", ()) if text),
        seed=0,
    )
