"""Layers of gptqmodel and of bitsandbytes keep their weights when they become ours."""

import importlib
from typing import Any

import pytest
import torch
from torch import nn

from assistant.engine.linear.convert import convert_linears
from assistant.engine.linear.gptq import NotConvertible, convert_gptq
from assistant.engine.linear.int4 import Int4Linear
from assistant.engine.linear.nf4 import Nf4Linear, dequantize, has_kernel
from assistant.engine.linear.packed import PackedLinear

INPUTS, OUTPUTS = 256, 64


def gptq_layer(
    *,
    group: int,
    bits: int = 4,
    shuffled: bool = False,
    bias: bool = False,
    first_format: bool = False,
) -> Any:
    """A layer of gptqmodel with random codes, scales and zeros."""
    kernels: Any = pytest.importorskip("gptqmodel.nn_modules.qlinear.torch")
    layer = kernels.TorchLinear(
        bits=bits,
        group_size=group,
        sym=False,
        desc_act=shuffled,
        in_features=INPUTS,
        out_features=OUTPUTS,
        bias=bias,
    )
    torch.manual_seed(group + bits)
    for words in (layer.qweight, layer.qzeros):
        words.random_(-(1 << 31), (1 << 31) - 1)
    if first_format:
        # Zeros less one, of which the last would not fit.
        layer.qzeros.bitwise_and_(0x77777777)
    layer.qzero_format(format=1 if first_format else 2)
    layer.scales.uniform_(0.01, 0.1)
    if shuffled:
        layer.g_idx.copy_(layer.g_idx[torch.randperm(INPUTS)])
    if bias:
        layer.bias.normal_()
    layer.post_init()
    return layer.eval()


@pytest.mark.parametrize("group", [32, 64, 128, -1])
@pytest.mark.parametrize("shuffled", [False, True])
def test_gptq_keeps_its_weights(group: int, shuffled: bool) -> None:
    layer = gptq_layer(group=group, shuffled=shuffled, bias=True)
    expected = layer.dequantize_weight().t().float()
    found = convert_gptq(layer)
    # Scale and zero are rounded, and then their weight.
    assert torch.allclose(found.dequantized_weight.float(), expected, rtol=0.02, atol=0.01)
    x = torch.randn(3, INPUTS)
    assert torch.allclose(found(x), x @ expected.t() + layer.bias.float(), rtol=0.02, atol=0.3)


def test_zeros_less_one_are_put_right() -> None:
    layer = gptq_layer(group=64, first_format=True)
    old = convert_gptq(layer).dequantized_weight
    layer.qzero_format(format=2)
    scales = layer.scales.t().repeat_interleave(64, dim=1).float()
    assert torch.allclose(
        old.float(), convert_gptq(layer).dequantized_weight.float() - scales, rtol=0.02, atol=0.01
    )


def test_what_has_no_kernel_stays(caplog: pytest.LogCaptureFixture) -> None:
    model = nn.Sequential(gptq_layer(group=64), gptq_layer(group=64, bits=8), gptq_layer(group=16))
    stays = [model[1], model[2]]
    convert_linears(model, 0)
    assert isinstance(model[0], Int4Linear)
    assert [model[1], model[2]] == stays
    assert "8 bits" in caplog.text and "groups of 16" in caplog.text
    with pytest.raises(NotConvertible, match="8 bits"):
        convert_gptq(stays[0])


def bitsandbytes_layer(weight: torch.Tensor) -> Any:
    modules: Any = importlib.import_module("bitsandbytes").nn
    outputs, inputs = weight.shape
    layer = modules.Linear4bit(
        inputs, outputs, bias=False, compute_dtype=torch.bfloat16, quant_type="nf4"
    )
    layer.weight = modules.Params4bit(weight, requires_grad=False, quant_type="nf4")
    return layer.to("cpu").eval()


def test_nf4_for_the_kernel_of_bitsandbytes() -> None:
    """It serves where ours cannot be compiled."""
    if not has_kernel():
        pytest.skip("bitsandbytes has no kernel for this processor")
    weight = torch.randn(OUTPUTS, INPUTS, generator=torch.Generator().manual_seed(3)).bfloat16()
    layer = Nf4Linear.from_bitsandbytes(bitsandbytes_layer(weight))
    x = torch.randn(9, INPUTS).bfloat16()
    expected = bitsandbytes_layer(weight)(x)
    assert torch.equal(layer(x), expected)
    layer.keep_dense()
    layer.kernel_rows = 0
    difference = (layer(x) - expected).float().norm()
    assert float(difference / expected.float().norm()) < 0.006


@pytest.mark.parametrize("budget", [0, 1 << 20])
@pytest.mark.parametrize("outputs", [OUTPUTS, 40])
def test_nf4_keeps_its_weights(budget: int, outputs: int) -> None:
    """Whether the processor has a kernel for them or not; for 40 outputs none has one."""
    weight = torch.randn(outputs, INPUTS, generator=torch.Generator().manual_seed(3)).bfloat16()
    model = nn.Sequential(bitsandbytes_layer(weight))
    convert_linears(model, budget)
    x = torch.randn(9, INPUTS).bfloat16()
    expected = x.float() @ dequantize(bitsandbytes_layer(weight)).float().t()
    assert float((model(x).float() - expected).norm() / expected.norm()) < 0.006


def test_bfloat16_gives_the_same_numbers() -> None:
    layers = [nn.Linear(64, 96), nn.Linear(96, 32, bias=False), nn.Linear(32, 8)]
    model = nn.Sequential(*(layer.bfloat16() for layer in layers[:2]), layers[2])
    x = torch.randn(5, 64).bfloat16()
    expected = model[:2](x)
    convert_linears(model, 0)
    assert [type(layer) for layer in model] == [PackedLinear, PackedLinear, nn.Linear]
    assert torch.equal(model[:2](x), expected)
    packed = model[0]
    assert isinstance(packed, PackedLinear)
    assert torch.equal(packed.dequantized_weight, layers[0].weight)


class Tied(nn.Module):
    """A model whose head has the weights of its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(64, 32, dtype=torch.bfloat16)
        self.head = nn.Linear(32, 64, bias=False, dtype=torch.bfloat16)
        self.head.weight = self.embedding.weight

    def get_input_embeddings(self) -> nn.Module:
        return self.embedding


def test_a_tied_head_is_copied_only_where_memory_allows() -> None:
    for budget, kind in ((64 * 32 * 2 - 1, nn.Linear), (64 * 32 * 2, PackedLinear)):
        model = Tied()
        convert_linears(model, budget)
        assert type(model.head) is kind
