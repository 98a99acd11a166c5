"""Dense layers in bfloat16 on processors that have instructions for it, and on others."""

import pytest
import torch

from assistant.engine.linear import packed
from assistant.engine.linear.packed import PackedLinear
from assistant.engine.native.plain import can_multiply

INPUTS = 64
WITHIN_ROUNDING = 0.004
"""Of the greatest number: half a step of bfloat16's."""


@pytest.fixture(autouse=True, params=["as here", "without instructions for bfloat16"])
def processor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "as here":
        monkeypatch.setattr(packed, "can_pack", lambda: False)
        monkeypatch.setattr(packed, "_WIDENED_BYTES", 4 * INPUTS * 10)  # ten outputs at a time


@pytest.mark.parametrize("outputs", [80, 75])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("shape", [(0,), (1,), (3,), (15,), (16,), (40,), (2, 3), (2, 9)])
def test_a_product_is_rounded_once(shape: tuple[int, ...], biased: bool, outputs: int) -> None:
    torch.manual_seed(0)
    weight, rows = torch.randn(outputs, INPUTS).bfloat16(), torch.randn(*shape, INPUTS).bfloat16()
    bias = torch.randn(outputs).bfloat16() if biased else None
    found = PackedLinear(weight, bias)(rows)
    exact = rows.double() @ weight.double().t() + (0 if bias is None else bias.double())
    assert found.shape == (*shape, outputs)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(
        found.double(), exact, rtol=WITHIN_ROUNDING, atol=WITHIN_ROUNDING * INPUTS**0.5
    )


def test_parts_of_one_layer_compute_on() -> None:
    torch.manual_seed(0)
    weights = [torch.randn(size, INPUTS).bfloat16() for size in (72, 24)]
    apart = [PackedLinear(weight) for weight in weights]
    joined = PackedLinear.concatenate(apart)
    rows = torch.randn(20, INPUTS).bfloat16()
    assert torch.equal(joined(rows), torch.cat([layer(rows) for layer in apart], dim=1))
    assert torch.equal(joined.dequantized_weight, torch.cat(weights))


def test_a_row_comes_out_the_same_in_any_company_of_few() -> None:
    torch.manual_seed(0)
    weight, rows = torch.randn(80, INPUTS).bfloat16(), torch.randn(9, INPUTS).bfloat16()
    if not can_multiply(weight):
        pytest.skip("there is no code of our own for this processor")
    layer = PackedLinear(weight)
    assert torch.equal(layer(rows), torch.cat([layer(row[None]) for row in rows]))
