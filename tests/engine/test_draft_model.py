"""A small model guesses, and the answer is the large model's own."""

from pathlib import Path

import pytest

from assistant.engine.engine import Engine
from assistant.engine.load import LoadedModel, LoadOptions, load_model
from assistant.errors import UsageError
from assistant.messages import SamplingParams
from assistant.prompts import Prompt
from assistant.registry import locate
from tests.engine import tiny

PROMPT = Prompt(tuple(range(8, 90)), frozenset())
PARAMS = SamplingParams(max_tokens=40)


def answer(engine: Engine, params: SamplingParams = PARAMS) -> tuple[str, int, int]:
    """Its text, how many tokens were guessed, and how many of those were right."""
    chunks = list(engine.generate(PROMPT, params))
    usage = chunks[-1].usage
    assert usage is not None and usage.completion_tokens == 40
    text = "".join(chunk.text for chunk in chunks)
    return text, usage.drafted_tokens, usage.accepted_tokens


def test_a_model_that_thinks_the_same_is_right_every_time(loaded: LoadedModel) -> None:
    plain, _, _ = answer(Engine(loaded))
    engine = Engine(loaded, draft=loaded)
    text, guessed, right = answer(engine)
    assert text == plain
    assert guessed == right > 20
    assert engine.stats().steps == 40 - right


def test_a_model_that_thinks_otherwise_changes_nothing(loaded: LoadedModel, tmp_path: Path) -> None:
    other = tiny.save_llama(tmp_path / "small", hidden=32, layers=1)
    small = load_model(tiny.local_model(other), LoadOptions("cpu"))
    for params in (PARAMS, SamplingParams(max_tokens=40, temperature=1.0, seed=3)):
        plain, _, _ = answer(Engine(loaded), params)
        text, guessed, right = answer(Engine(loaded, draft=small), params)
        assert text == plain
        assert guessed > right


def test_a_model_with_another_vocabulary_is_refused(loaded: LoadedModel) -> None:
    starter = load_model(locate("starter"), LoadOptions("cpu"))
    with pytest.raises(UsageError, match="another vocabulary"):
        Engine(loaded, draft=starter)
