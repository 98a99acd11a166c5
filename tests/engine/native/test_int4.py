"""Our own kernel for 4-bit weights computes what they stand for."""

import pytest
import torch

from assistant.engine.linear.int4 import LEVELS, Int4Linear
from assistant.engine.native import int4 as native


@pytest.fixture
def kernel() -> native.NativeKernel:
    found = native.find_kernel()
    if found is None:
        pytest.skip("there is no kernel of our own for this processor")
    return found


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("in_bytes", [False, True])
@pytest.mark.parametrize("rows", [*range(1, 10), 17, 64, 100, 193])
@pytest.mark.parametrize(
    ("outputs", "inputs", "group"), [(64, 32, 32), (192, 96, 96), (64, 256, 64)]
)
def test_any_number_of_rows(
    rows: int,
    outputs: int,
    inputs: int,
    group: int,
    in_bytes: bool,
    far: bool,
    kernel: native.NativeKernel,
) -> None:
    generator = torch.Generator().manual_seed(rows)
    codes = torch.randint(0, 16, (outputs, inputs), generator=generator)
    pairs = torch.randn(inputs // group, outputs, 2, generator=generator).bfloat16()
    levels = torch.tensor(LEVELS) if in_bytes else torch.randn(16, generator=generator)
    levels = levels.bfloat16()
    x = torch.randn(rows, inputs, generator=generator).bfloat16()
    if far:
        x[:, 7::61] *= 300  # as a few inputs of large models are
    scales, zeros = (part.t().double().repeat_interleave(group, 1) for part in pairs.unbind(-1))
    weight = levels.double()[codes] * scales + zeros
    packed = native.pack(codes)
    weights = native.describe(packed, native.pack_pairs(pairs), levels, in_bytes=in_bytes)
    found = kernel.multiply(x, weights).double()
    expected = x.double() @ weight.t()
    # Without the others, outliers alone would be 0.02 to 0.03 wrong. For many rows weights are
    # bytes.
    close = 0.01 if in_bytes and (rows >= 64 or not far) else 0.004
    assert float((found - expected).norm() / expected.norm()) < close
    out = torch.empty(outputs, inputs, dtype=torch.bfloat16)
    kernel.unpack(weights, out)
    assert torch.allclose(out.double(), weight, rtol=0.005, atol=1e-6)


def test_nothing_of_a_row_is_lost_where_all_is_zero(kernel: native.NativeKernel) -> None:
    codes = torch.randint(0, 16, (64, 64), generator=torch.Generator().manual_seed(0))
    pairs = torch.ones(2, 64, 2).bfloat16()
    levels = torch.tensor(LEVELS).bfloat16()
    packed = native.pack(codes)
    weights = native.describe(packed, native.pack_pairs(pairs), levels, in_bytes=True)
    x = torch.zeros(2, 64).bfloat16()
    x[1, 40] = 3.0
    found = kernel.multiply(x, weights)
    assert not found[0].any()
    assert torch.equal(found[1].float(), 3.0 * (codes[:, 40] - 7).float())


def test_both_kernels_give_the_same_product(kernel: native.NativeKernel) -> None:
    codes = torch.randint(0, 16, (128, 256), generator=torch.Generator().manual_seed(0))
    scales, zeros = torch.full((4, 128), 0.02), torch.full((4, 128), 0.01)
    x = torch.randn(4, 256, generator=torch.Generator().manual_seed(1)).bfloat16()
    ours, torchs = (
        Int4Linear.from_codes(codes, scales, zeros, own_kernel=own)(x) for own in (True, False)
    )
    # Ours has rounded the rows to 8 bits.
    assert float((ours - torchs).norm() / torchs.norm()) < 0.01
