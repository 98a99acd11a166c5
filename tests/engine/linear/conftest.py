"""Random layers with known weights."""

from collections.abc import Callable

import pytest
import torch

from assistant.engine.linear.int4 import Int4Linear
from assistant.engine.native import int4 as native

Weights = tuple[Int4Linear, torch.Tensor]
MakeInt4 = Callable[..., Weights]


@pytest.fixture(params=["own kernel", "torch's kernel"])
def make_int4(request: pytest.FixtureRequest) -> MakeInt4:
    """Makes a layer and the matrix, `[N, K]` in float64, that it should multiply with."""
    own_kernel = request.param == "own kernel"
    if own_kernel and native.find_kernel() is None:
        pytest.skip("there is no kernel of our own for this processor")

    def make(
        outputs: int,
        inputs: int = 256,
        group: int = 64,
        *,
        bias: torch.Tensor | None = None,
        order: torch.Tensor | None = None,
        seed: int = 0,
    ) -> Weights:
        generator = torch.Generator().manual_seed(seed)
        codes = torch.randint(0, 16, (outputs, inputs), generator=generator)
        scales = torch.rand(inputs // group, outputs, generator=generator) * 0.1 + 0.01
        zeros = torch.randn(inputs // group, outputs, generator=generator) * 0.1
        scales, zeros = scales.bfloat16(), zeros.bfloat16()
        layer = Int4Linear.from_codes(
            codes, scales, zeros, bias=bias, order=order, own_kernel=own_kernel
        )
        wide = [part.double().t().repeat_interleave(group, dim=1) for part in (scales, zeros)]
        weight = (codes.double() - 8) * wide[0] + wide[1]
        if order is not None:
            weight = weight[:, order.argsort()]
        return layer, weight

    return make
