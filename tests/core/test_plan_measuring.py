"""Speeds that are measured here and now: no figure is asserted, but what any machine must find."""

from dataclasses import replace

import pytest
import torch

from assistant.engine.linear.int4 import Int4Linear
from assistant.engine.linear.packed import PackedLinear
from assistant.model_specs import ModelSpec
from assistant.plan import Device, Machine, Storage, plan_for, weights_of
from assistant.plan.folders import spec_of
from assistant.plan.measuring import measure_timing
from assistant.plan.random_layers import random_linear, random_model
from assistant.registry import STARTER, load_registry, locate


@pytest.fixture
def starter() -> ModelSpec:
    return spec_of(locate(STARTER))


@pytest.mark.parametrize("storage", ["bf16", "int4"])
def test_a_small_model_is_timed(starter: ModelSpec, storage: Storage) -> None:
    timings = {(starter.name, storage): measure_timing(starter, storage)}
    device = Device("cpu", "this one", 10**10, 10**10, timings=timings)
    plan = plan_for(starter, storage, Machine((device,)))
    # Which of them is longer is the machine's affair: others may compute meanwhile.
    assert plan.tokens_per_second is not None and plan.tokens_per_second > 0
    assert plan.first_token_seconds is not None and plan.first_token_seconds > 0


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
@pytest.mark.parametrize("storage", ["bf16", "int4", "gptq"])
def test_random_layers_take_the_bytes_that_are_planned(
    starter: ModelSpec, family: str, storage: Storage
) -> None:
    spec = replace(
        starter, architecture=family, hidden_size=256, intermediate_size=768, heads=4, head_dim=64
    )
    spec = replace(spec, kv_heads=2, vocab_size=0, layers=2)
    parameters = 2 * (2 * 256 * (4 + 2) * 64 + 3 * 256 * 768)
    spec = replace(spec, parameters=parameters)
    model = random_model(spec, storage, 2)
    linears = [one for one in model.model.modules() if isinstance(one, Int4Linear | PackedLinear)]
    held = sum(one.nbytes - (0 if one.bias is None else one.bias.nbytes) for one in linears)
    assert held == pytest.approx(weights_of(spec, storage, "cpu").layers, rel=0.01)
    with torch.inference_mode():
        assert model(torch.tensor([[1, 2, 3]])).logits.isfinite().all()


def test_all_known_families_of_the_decoder_can_be_timed() -> None:
    """Their groups divide their widths, which the kernel demands."""
    for spec in load_registry().values():
        if spec.architecture in ("llama", "qwen2", "qwen3"):
            assert spec.hidden_size % 128 == spec.intermediate_size % 128 == 0, spec.name


def test_weights_of_four_bits_are_smaller() -> None:
    wide, narrow = random_linear("bf16", 512, 640), random_linear("int4", 512, 640)
    assert isinstance(wide, PackedLinear) and isinstance(narrow, Int4Linear)
    assert narrow.nbytes * 3 < wide.nbytes
