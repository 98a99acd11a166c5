"""Whatever else the engine does at the same time or did before, an answer is what it is alone."""

import queue
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.engine.engine import Engine
from assistant.engine.load import LoadedModel, LoadOptions, load_model
from assistant.engine.requests import Chunk, Job, Priority, Usage
from assistant.engine.sampling import Sampler
from assistant.engine.scheduler import Limits
from assistant.errors import Cancelled
from assistant.messages import Conversation, Message, SamplingParams
from assistant.prompts import Prompt
from assistant.registry import locate
from tests.engine import tiny

TOKENS = 12
PATIENCE = 60


@dataclass(frozen=True)
class Request:
    """A prompt that shares its beginning with others, and how it is asked."""

    start: int
    keep: int
    added: tuple[int, ...]
    adapter: str | None
    priority: Priority
    client: str
    seed: int | None
    cancelled_after: int | None
    """Chunks; None: it is left to end."""

    @property
    def prompt(self) -> Prompt:
        beginning = [8 + (self.start * place) % 7 for place in range(self.keep)]
        return Prompt((*beginning, *self.added), frozenset())

    @property
    def params(self) -> SamplingParams:
        temperature = 0.0 if self.seed is None else 1.0
        return SamplingParams(max_tokens=TOKENS, temperature=temperature, seed=self.seed)


REQUESTS = st.builds(
    Request,
    start=st.integers(1, 3),
    keep=st.integers(0, 90),
    added=st.lists(st.integers(8, 12), min_size=1, max_size=12).map(tuple),
    adapter=st.sampled_from([None, "first", "second"]),
    priority=st.sampled_from(Priority),
    client=st.sampled_from(["editor", "terminal"]),
    seed=st.none() | st.integers(0, 3),
    cancelled_after=st.none() | st.none() | st.integers(0, 4),
)


@pytest.fixture(scope="module")
def adapters(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("adapters")
    return {
        name: tiny.save_adapter(llama, folder / name, seed=seed)
        for seed, name in enumerate(("first", "second"), start=5)
    }


def new_engine(loaded: LoadedModel, adapters: dict[str, Path], cache_bytes: int) -> Engine:
    engine = Engine(loaded, cache_bytes=cache_bytes)
    for name, folder in adapters.items():
        engine.add_adapter(name, folder)
    return engine


class Asked:
    """A request at an engine, and what came of it."""

    def __init__(self, engine: Engine, request: Request) -> None:
        self.request = request
        self._job = Job(request.adapter, request.priority, request.client)
        self._pieces: queue.SimpleQueue[Chunk | Exception] = queue.SimpleQueue()
        self._seen = 0
        if request.cancelled_after == 0:
            self._job.cancel.cancel()
        engine.submit(request.prompt, request.params, self._job, self._take)

    def _take(self, piece: Chunk | Exception) -> None:
        self._seen += 1
        if self._seen == self.request.cancelled_after:
            self._job.cancel.cancel()
        self._pieces.put(piece)

    def outcome(self) -> tuple[str, bool]:
        """The text, and whether it came to its end."""
        text = ""
        while True:
            piece = self._pieces.get(timeout=PATIENCE)
            if isinstance(piece, Cancelled):
                return text, False
            assert isinstance(piece, Chunk), piece
            text += piece.text
            if piece.finish is not None:
                return text, True


@given(
    st.lists(st.lists(REQUESTS, min_size=1, max_size=5), min_size=1, max_size=4),
    st.sampled_from([0, 60_000, 200_000, 1 << 30]),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_answers_are_those_of_a_fresh_engine(
    loaded: LoadedModel,
    adapters: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    waves: list[list[Request]],
    cache_bytes: int,
) -> None:
    """In float32, token by token; a cancelled answer is a beginning of the whole one."""
    monkeypatch.setattr("assistant.engine.engine._limits", lambda _: Limits(3, 16, 12))
    busy = new_engine(loaded, adapters, cache_bytes)
    fresh = new_engine(loaded, adapters, 0)
    for wave in waves:
        # All at once: how they meet in the engine is up to its thread.
        asked = [Asked(busy, request) for request in wave]
        outcomes = [one.outcome() for one in asked]
        for request, (text, ended) in zip(wave, outcomes, strict=True):
            chunks = list(
                fresh.generate(request.prompt, request.params, Job(adapter=request.adapter))
            )
            whole = "".join(chunk.text for chunk in chunks)
            assert chunks[-1].usage is not None and chunks[-1].usage.cached_tokens == 0
            assert ended or request.cancelled_after is not None
            assert text == whole if ended else whole.startswith(text)
    assert (busy.stats().running, busy.stats().waiting) == (0, 0)
    assert busy.stats().cache_bytes <= max(cache_bytes, 500_000)
    busy.close()
    fresh.close()


class Forced(Sampler):
    """Chooses given tokens, whatever the model thinks of them."""

    def __init__(self, ids: list[int]) -> None:
        super().__init__(SamplingParams())
        self._ids = iter(ids)

    def choose(self, logits: torch.Tensor) -> int:
        return next(self._ids)


def answer(
    engine: Engine, prompt: Prompt, params: SamplingParams, **options: Any
) -> tuple[str, Usage]:
    pieces: queue.SimpleQueue[Chunk | Exception] = queue.SimpleQueue()
    engine.submit(prompt, params, Job(), pieces.put, **options)
    text = ""
    while True:
        piece = pieces.get(timeout=PATIENCE)
        assert isinstance(piece, Chunk), piece
        text += piece.text
        if piece.usage is not None:
            return text, piece.usage


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_guessed_tokens_change_nothing_in_an_answer(seed: int | None) -> None:
    """The starter repeats what it is given to polish, most of it."""
    loaded = load_model(locate("starter"), LoadOptions("cpu"))
    loaded.model.float()
    text = "Polish\nThe engine keep what it has read. A engine that reads twice is slow. " * 3
    prompt = loaded.renderer.chat(Conversation((Message("user", text),)))
    temperature = 0.0 if seed is None else 0.3
    params = SamplingParams(max_tokens=80, temperature=temperature, seed=seed)
    guessed, usage = answer(Engine(loaded), prompt, params)
    plain, plain_usage = answer(Engine(loaded), prompt, params, drafts=False)
    assert guessed == plain
    assert usage.completion_tokens == plain_usage.completion_tokens
    assert plain_usage.drafted_tokens == 0
    assert 10 < usage.accepted_tokens <= usage.drafted_tokens


def test_an_answer_that_repeats_the_prompt_takes_few_passes(loaded: LoadedModel) -> None:
    words = [8 + place * place % 97 for place in range(150)]
    edited = [*words[:40], 200, 201, *words[45:100], 300, *words[100:]]
    prompt = Prompt(tuple(words), frozenset())
    params = SamplingParams(max_tokens=len(edited))
    engine = Engine(loaded)
    text, usage = answer(engine, prompt, params, sampler=Forced(edited))
    assert text == loaded.renderer.tokenizer.decode(edited)
    assert usage.completion_tokens == len(edited)
    assert engine.stats().steps < len(edited) / 4
    assert engine.stats().steps + usage.accepted_tokens == len(edited)
