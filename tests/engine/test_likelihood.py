"""What is told of tokens is what the model thought of them, byte by byte."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from assistant.engine.engine import Engine
from assistant.engine.load import LoadedModel
from assistant.messages import SamplingParams
from assistant.prompts import Prompt, TextTokenizer
from tests.prompts.families import FAMILIES, families

STARTER = Path(__file__).parents[2] / "assistant" / "starter"
BYTE_LEVEL = TextTokenizer(Tokenizer.from_file(str(STARTER / "tokenizer.json")))


@given(st.text(max_size=40))
@settings(deadline=None)
def test_the_bytes_of_a_texts_tokens_are_the_texts(text: str) -> None:
    ids = BYTE_LEVEL.encode_text(text)
    assert b"".join(map(BYTE_LEVEL.token_bytes, ids)) == text.encode()


def test_control_tokens_stand_for_no_bytes() -> None:
    assert {BYTE_LEVEL.token_bytes(number) for number in BYTE_LEVEL.control_ids} == {b""}


def test_every_chunk_brings_the_tokens_it_is_made_of(loaded: LoadedModel) -> None:
    engine = Engine(loaded)
    prompt = Prompt(tuple(range(8, 40)), frozenset())
    params = SamplingParams(max_tokens=20, top_logprobs=3)
    chunks = list(engine.generate(prompt, params))
    told = [token for chunk in chunks for token in chunk.tokens]
    text = "".join(chunk.text for chunk in chunks)
    assert len(told) == 20
    assert b"".join(one.chosen.data for one in told).decode(errors="replace") == text
    ids = torch.tensor([prompt.ids])
    with torch.inference_mode():
        first = torch.log_softmax(loaded.model(ids).logits[0, -1].float(), dim=-1)
    assert math.isclose(told[0].chosen.logprob, float(first.max()), abs_tol=1e-3)
    for one in told:
        values = [likelihood.logprob for likelihood in one.top]
        # The likeliest is chosen, and stands first.
        assert len(values) == 3 and values == sorted(values, reverse=True)
        assert one.top[0] == one.chosen


def test_without_asking_nothing_is_told(loaded: LoadedModel) -> None:
    chunks = Engine(loaded).generate(
        Prompt(tuple(range(8, 40)), frozenset()), SamplingParams(max_tokens=4)
    )
    assert all(chunk.tokens == () for chunk in chunks)


@pytest.mark.parametrize("name", FAMILIES)
def test_bytes_of_every_kind_of_vocabulary(name: str) -> None:
    tokenizer = families()[name].text_tokenizer()
    text = "a naïve café, 你好 🙂"
    ids = tokenizer.encode_text(text)
    assert b"".join(map(tokenizer.token_bytes, ids)).strip() == text.encode()
