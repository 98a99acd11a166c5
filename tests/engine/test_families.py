"""Other families than Llama answer as transformers makes them answer, chunk by chunk."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM

from assistant.engine.engine import Engine
from assistant.engine.load import LoadOptions, load_model
from assistant.engine.scheduler import Limits
from assistant.messages import SamplingParams
from assistant.prompts import Prompt
from tests.engine import tiny

SHAPE: dict[str, Any] = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 512,
    "initializer_range": 0.25,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "Qwen2": {"tie_word_embeddings": True},
    "Qwen3": {},
    "Mistral": {"sliding_window": 24},
    "Gemma2": {"sliding_window": 24, "tie_word_embeddings": False},
    "Phi3": {"sliding_window": None},
}
FORGETFUL = {"Mistral", "Gemma2"}
"""With a sliding window; their keys and values are not kept between requests."""
_Auto: Any = AutoModelForCausalLM


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.engine.engine._limits", lambda _: Limits(4, 32, 8))
    torch.manual_seed(1)
    config: Any = getattr(transformers, f"{family}Config")(**SHAPE, **FAMILIES[family])
    _Auto.from_config(config).save_pretrained(tmp_path)
    tiny.save_tokenizer(tmp_path)
    loaded = load_model(tiny.local_model(tmp_path), LoadOptions("cpu"))
    engine = Engine(loaded)
    ids = tuple(range(8, 108))
    last = None
    for prompt in (ids, (*ids, 9, 8, 7)):
        text, usage = "", None
        for chunk in engine.generate(Prompt(prompt, frozenset()), SamplingParams(max_tokens=16)):
            text, usage = text + chunk.text, chunk.usage
        reference = _Auto.from_pretrained(tmp_path).generate(
            torch.tensor([prompt]), max_new_tokens=16, do_sample=False, eos_token_id=None
        )
        expected = reference[0, len(prompt) :].tolist()
        assert len(set(expected)) > 3
        assert text == loaded.renderer.tokenizer.decode(expected)
        last = usage
    assert last is not None and last.cached_tokens == (0 if family in FORGETFUL else 100)
