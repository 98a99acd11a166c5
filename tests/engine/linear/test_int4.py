"""The 4-bit layer multiplies with the weights that it was given, whichever way it takes."""

import pytest
import torch

from assistant.engine.linear import packed
from assistant.engine.linear.int4 import Int4Linear
from tests.engine.linear.conftest import MakeInt4

ROUNDING = 0.01
"""Relative error of a bfloat16 matrix product with bfloat16 weights."""


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.double() - expected).norm() / expected.norm())


def rows(number: int, inputs: int = 256) -> torch.Tensor:
    return torch.randn(number, inputs, generator=torch.Generator().manual_seed(1)).bfloat16()


@pytest.mark.parametrize("outputs", [64, 128, 96, 40])
@pytest.mark.parametrize("group", [32, 64, 128, 256])
@pytest.mark.parametrize("number", [1, 5, 33])
def test_every_way_gives_the_product(
    outputs: int, group: int, number: int, make_int4: MakeInt4
) -> None:
    layer, weight = make_int4(outputs, group=group)
    x = rows(number)
    expected = x.double() @ weight.t()
    for layer.kernel_rows in (0, number):
        assert error(layer(x), expected) < ROUNDING
    layer.keep_dense()
    layer.kernel_rows = 0
    assert layer.keeps_dense
    assert error(layer(x), expected) < ROUNDING
    assert error(layer.dequantized_weight, weight) < ROUNDING


def test_the_shape_and_dtype_are_those_of_the_input(make_int4: MakeInt4) -> None:
    layer, weight = make_int4(96)
    x = rows(6).float().view(2, 3, 256)
    y = layer(x)
    assert y.shape == (2, 3, 96) and y.dtype == torch.float32
    assert error(y, x.double() @ weight.t()) < ROUNDING


def test_a_bias_and_an_order_of_the_inputs(make_int4: MakeInt4) -> None:
    bias = torch.linspace(-3, 3, 96).bfloat16()
    order = torch.randperm(256, generator=torch.Generator().manual_seed(2))
    layer, weight = make_int4(96, bias=bias, order=order)
    x = rows(9)
    for layer.kernel_rows in (0, 9):
        assert error(layer(x), x.double() @ weight.t() + bias.double()) < ROUNDING
    assert error(layer.dequantized_weight, weight) < ROUNDING


@pytest.mark.parametrize("dense", [False, True])
def test_layers_side_by_side(dense: bool, make_int4: MakeInt4) -> None:
    bias = torch.ones(128).bfloat16()
    parts = [make_int4(64, seed=1), make_int4(128, bias=bias, seed=2), make_int4(40, seed=3)]
    layers = [layer for layer, _ in parts]
    if dense:
        for layer in layers:
            layer.keep_dense()
    joined = Int4Linear.concatenate(layers)
    assert joined.out_features == 232 and joined.keeps_dense == dense
    # The parts look at the joined layer's weights, but for their scales.
    assert {layer.packed.untyped_storage().data_ptr() for layer in layers} == {
        joined.packed.untyped_storage().data_ptr()
    }
    x = rows(7)
    for kernel_rows in (0, 7):
        for layer in (joined, *layers):
            layer.kernel_rows = kernel_rows
        assert torch.equal(joined(x), torch.cat([layer(x) for layer in layers], dim=1))


@pytest.mark.parametrize("packs", [False, True])
def test_kept_weights_are_each_layers_own(
    packs: bool, make_int4: MakeInt4, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not packs:  # as on a processor without AVX-512
        monkeypatch.setattr(packed, "can_pack", lambda: False)
    (first, weight), (second, _) = make_int4(64, seed=1), make_int4(64, seed=2)
    first.keep_dense()
    second.keep_dense()
    first.kernel_rows = 0
    x = rows(7)
    assert error(first(x), x.double() @ weight.t()) < ROUNDING


def test_what_cannot_stand_side_by_side(make_int4: MakeInt4) -> None:
    order = torch.arange(256).flip(0)
    first = make_int4(64)[0]
    for other in (make_int4(64, group=32), make_int4(64, 128), make_int4(64, order=order)):
        with pytest.raises(ValueError, match="differ"):
            Int4Linear.concatenate([first, other[0]])
    with pytest.raises(ValueError, match="40 outputs"):
        Int4Linear.concatenate([make_int4(40)[0], first])


def test_a_group_that_no_kernel_has(make_int4: MakeInt4) -> None:
    with pytest.raises(ValueError, match="groups of 16"):
        make_int4(64, group=16)


def test_memory_is_told_as_it_is(make_int4: MakeInt4) -> None:
    layer = make_int4(128, group=64)[0]
    packed = 128 * 256 // 2 + 4 * 128 * 2 * 2 + layer.levels.nbytes
    assert layer.nbytes == packed
    layer.keep_dense()
    assert layer.nbytes == packed + 128 * 256 * 2
    layer.drop_dense()
    assert layer.nbytes == packed
