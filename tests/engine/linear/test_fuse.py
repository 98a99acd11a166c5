"""Layers that read the same input, as one."""

from typing import Any

import pytest
import torch
from torch import nn

from assistant.engine.linear.fuse import fuse
from assistant.engine.linear.packed import PackedLinear
from assistant.engine.linear.quantize import quantize_linear
from tests.engine.linear.test_convert import bitsandbytes_layer

INPUTS = 64


def weight(outputs: int) -> torch.Tensor:
    return torch.randn(outputs, INPUTS, generator=torch.Generator().manual_seed(outputs)).bfloat16()


def packed(outputs: int) -> nn.Module:
    return PackedLinear(weight(outputs), torch.ones(outputs).bfloat16() if outputs > 64 else None)


def plain(outputs: int) -> nn.Module:
    return nn.Linear(INPUTS, outputs, bias=outputs > 64).bfloat16()


def int4(outputs: int) -> nn.Module:
    return quantize_linear(weight(outputs))


def nf4(outputs: int) -> nn.Module:
    model = nn.Sequential(bitsandbytes_layer(weight(outputs)))
    from assistant.engine.linear.convert import convert_linears

    convert_linears(model, 0)
    if not hasattr(model[0], "kernel"):
        pytest.skip("this processor has no kernel for NF4")
    return model[0]


@pytest.mark.parametrize("make", [packed, plain, int4, nf4])
def test_one_layer_of_one_kind(make: Any) -> None:
    layers = [make(outputs) for outputs in (64, 128, 64)]
    x = torch.randn(5, INPUTS).bfloat16()
    expected = torch.cat([layer(x) for layer in layers], dim=-1)
    fused = fuse(layers)
    assert type(fused) is type(layers[0])
    assert torch.equal(fused(x), expected)
    # The parts go on working, and hold nothing of their own that is large.
    assert torch.equal(torch.cat([layer(x) for layer in layers], dim=-1), expected)


def test_layers_that_cannot_be_one() -> None:
    layers = [int4(64), packed(32), int4(40), int4(64)]
    x = torch.randn(2, 3, INPUTS)
    for some in (layers, [layers[2], layers[3]]):
        expected = torch.cat([layer(x) for layer in some], dim=-1)
        assert torch.equal(fuse(some)(x), expected)


def test_one_layer_is_itself() -> None:
    layer = plain(64)
    assert fuse([layer]) is layer
