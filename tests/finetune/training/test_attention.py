"""Attention sample by sample is what a mask over the whole row would have made of it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import MistralConfig, MistralForCausalLM

from assistant_finetune.training import attention
from assistant_finetune.training.attention import (
    attend_by_sample,
    sample_attention,
    sample_lengths,
)
from assistant_finetune.training.base import load_base
from tests.engine import tiny

HEADS, KEY_HEADS, SIZE = 4, 2, 8
_Mistral: Any = MistralForCausalLM
_Config: Any = MistralConfig


def positions(*rows: tuple[int, ...]) -> torch.Tensor:
    return torch.stack([torch.cat([torch.arange(n) for n in lengths]) for lengths in rows])


def mask(places: torch.Tensor) -> torch.Tensor:
    """Which pairs see each other, `[rows, 1, tokens, tokens]`, written out one by one."""
    rows, tokens = places.shape
    seen = torch.zeros(rows, 1, tokens, tokens, dtype=torch.bool)
    for row in range(rows):
        for query in range(tokens):
            begin = query - int(places[row, query])
            seen[row, 0, query, begin : query + 1] = True
    return seen


@pytest.mark.parametrize(
    "places",
    [
        positions((7, 1, 24)),
        positions((32,)),
        positions((5, 5, 22), (1, 30, 1)),
        positions((300, 40)),  # the first too long to be written out
    ],
)
def test_samples_see_what_the_mask_lets_them_see(places: torch.Tensor) -> None:
    torch.manual_seed(3)
    rows, tokens = places.shape
    shapes = [(rows, heads, tokens, SIZE) for heads in (HEADS, KEY_HEADS, KEY_HEADS)]
    query, key, value = (torch.randn(shape, requires_grad=True) for shape in shapes)
    found, _ = sample_attention(nn.Module(), query, key, value, None, position_ids=places)
    expected = scaled_dot_product_attention(
        query, key, value, attn_mask=mask(places), enable_gqa=True
    )
    torch.testing.assert_close(found, expected.transpose(1, 2), rtol=1e-5, atol=1e-5)
    factors, given = torch.randn_like(found), (query, key, value)
    made = torch.autograd.grad((found * factors).sum(), given)
    wanted = torch.autograd.grad((expected.transpose(1, 2) * factors).sum(), given)
    for one, other in zip(made, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_sample_begins_where_positions_do_not_go_on() -> None:
    assert sample_lengths(torch.tensor([0, 1, 2, 0, 0, 1])) == [3, 1, 2]
    assert sample_lengths(torch.tensor([5, 6, 7])) == [3]


def test_positions_reach_the_attention_of_a_llama(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without them it would go back to the mask over the whole row, which is right but slow."""

    def slow(*_: Any, **__: Any) -> Any:
        raise AssertionError("the whole row was computed")

    monkeypatch.setattr(attention, "sdpa_attention_forward", slow)
    model = load_base(tiny.local_model(llama), "lora", "fp32", "cpu").model
    places = positions((25, 15))
    assert (
        model(torch.arange(40)[None], position_ids=places, use_cache=False).logits.isfinite().all()
    )


def test_a_model_that_sees_a_window_alone_keeps_it() -> None:
    torch.manual_seed(5)
    config = _Config(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        sliding_window=6,
        attn_implementation="sdpa",
    )
    model = _Mistral(config).eval()
    ids = torch.randint(0, 64, (1, 40))
    places = positions((25, 15))
    with torch.no_grad():
        expected = model(ids, position_ids=places, use_cache=False).logits
        attend_by_sample(model)
        found = model(ids, position_ids=places, use_cache=False).logits
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
