"""Weights in 4 bits are near those that they were made of."""

import pytest
import torch

from assistant.engine.linear.quantize import quantize, quantize_linear


def error(found: torch.Tensor, weight: torch.Tensor) -> float:
    return float((found.float() - weight.float()).norm() / weight.float().norm())


@pytest.mark.parametrize("group", [32, 64])
def test_the_search_beats_the_full_range(group: int) -> None:
    weight = torch.randn(96, 256, generator=torch.Generator().manual_seed(0)).bfloat16()
    found = quantize_linear(weight, group=group).dequantized_weight
    low, high = weight.float().view(96, -1, group).aminmax(dim=-1, keepdim=True)
    step = (high - low) / 15
    simple = ((weight.float().view(96, -1, group) - low) / step).round() * step + low
    assert error(found, weight) < 0.97 * error(simple.view_as(weight), weight)


def test_sixteen_values_are_found_again() -> None:
    codes = torch.randint(0, 16, (64, 128), generator=torch.Generator().manual_seed(0))
    codes[:, ::32], codes[:, 1::32] = 0, 15
    weight = (codes - 8) * 0.125 + 0.5
    found, scales, zeros = quantize(weight, 32)
    assert torch.equal(found.long(), codes)
    assert torch.all(scales == 0.125) and torch.all(zeros == 0.5)


def test_weights_that_are_all_the_same() -> None:
    for value in (0.0, 0.75, -3.0):
        layer = quantize_linear(torch.full((64, 64), value))
        assert torch.all(layer.dequantized_weight == value)


def test_inputs_that_no_group_divides() -> None:
    with pytest.raises(ValueError, match="48 inputs"):
        quantize_linear(torch.randn(64, 48))
