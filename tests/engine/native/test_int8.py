"""Layers in 8 bits compute what their weights stand for, and lose little of what these were."""

import pytest
import torch

from assistant.engine.linear.int8 import GROUP, Int8Linear

pytestmark = pytest.mark.skipif(
    not Int8Linear.fits(GROUP), reason="there is no kernel of our own for this processor"
)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("rows", [1, 2, 5, 7, 33, 64, 100])
@pytest.mark.parametrize(("outputs", "inputs"), [(64, 64), (200, 320), (1000, 128)])
def test_any_number_of_rows(rows: int, outputs: int, inputs: int, biased: bool) -> None:
    generator = torch.Generator().manual_seed(rows)
    weight = torch.randn(outputs, inputs, generator=generator)
    bias = torch.randn(outputs, generator=generator).bfloat16() if biased else None
    x = torch.randn(rows, inputs, generator=generator).bfloat16()
    x[:, 5::61] *= 300  # as a few inputs of large models are
    layer = Int8Linear.from_weight(weight, bias)
    kept = layer.dequantized_weight.double()
    assert float((kept - weight.double()).norm() / weight.norm()) < 0.01
    expected = x.double() @ kept.t() + (0 if bias is None else bias.double())
    found = layer(x).double()
    assert found.shape == expected.shape
    assert float((found - expected).norm() / expected.norm()) < 0.005


def test_any_shape_and_dtype_of_input() -> None:
    layer = Int8Linear.from_weight(torch.randn(70, 64))
    x = torch.randn(2, 3, 64)
    found = layer(x)
    assert (found.shape, found.dtype) == ((2, 3, 70), torch.float32)
    assert torch.equal(found[1, 2], layer(x[1, 2].bfloat16()).float())


def test_weights_that_are_all_nothing() -> None:
    layer = Int8Linear.from_weight(torch.zeros(64, 64))
    assert not layer(torch.ones(1, 64)).any()
