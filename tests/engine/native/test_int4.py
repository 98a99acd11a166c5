"""Our own kernel for 4-bit weights computes what they stand for."""

import pytest
import torch

from assistant.engine.linear.int4 import Int4Linear
from assistant.engine.native import int4 as native


@pytest.fixture
def kernel() -> native.NativeKernel:
    found = native.find_kernel()
    if found is None:
        pytest.skip("there is no kernel of our own for this processor")
    return found


@pytest.mark.parametrize("rows", [*range(1, 10), 17])
@pytest.mark.parametrize(
    ("outputs", "inputs", "group"), [(64, 32, 32), (192, 96, 96), (64, 256, 64)]
)
def test_any_number_of_rows(
    rows: int, outputs: int, inputs: int, group: int, kernel: native.NativeKernel
) -> None:
    generator = torch.Generator().manual_seed(rows)
    codes = torch.randint(0, 16, (outputs, inputs), generator=generator)
    pairs = torch.randn(inputs // group, outputs, 2, generator=generator).bfloat16()
    levels = torch.randn(16, generator=generator).bfloat16()
    x = torch.randn(rows, inputs, generator=generator).bfloat16()
    scales, zeros = (part.t().double().repeat_interleave(group, 1) for part in pairs.unbind(-1))
    weight = levels.double()[codes] * scales + zeros
    packed = native.pack(codes)
    found = kernel.multiply(x, packed, pairs, levels).double()
    expected = x.double() @ weight.t()
    assert float((found - expected).norm() / expected.norm()) < 0.003
    out = torch.empty(outputs, inputs, dtype=torch.bfloat16)
    kernel.unpack(packed, pairs, levels, out)
    assert torch.allclose(out.double(), weight, rtol=0.005, atol=1e-6)


def test_both_kernels_give_the_same_product(kernel: native.NativeKernel) -> None:
    codes = torch.randint(0, 16, (128, 256), generator=torch.Generator().manual_seed(0))
    scales, zeros = torch.full((4, 128), 0.02), torch.full((4, 128), 0.01)
    x = torch.randn(4, 256, generator=torch.Generator().manual_seed(1)).bfloat16()
    ours, torchs = (
        Int4Linear.from_codes(codes, scales, zeros, own_kernel=own)(x) for own in (True, False)
    )
    # Sums in another order, rounded to bfloat16.
    assert torch.allclose(ours, torchs, rtol=0.01, atol=0.01)
