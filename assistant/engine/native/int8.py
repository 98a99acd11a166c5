"""Weights in 8 bits in the order of the compiled kernel: see `int8.hpp`."""

import torch

from assistant.engine.native.int4 import BLOCK, UNIT
from assistant.engine.native.library import Linear, address

_FOURS = (0, 4, 1, 5, 2, 6, 3, 7)
"""Of eight inputs, those that come first, four with four."""


def pack(codes: torch.Tensor) -> torch.Tensor:
    """Codes 0 to 255, `[N, K]` of bytes, in the kernel's order: `[N / 64, K / 4, 4, 16, 4]`."""
    outputs, inputs = codes.shape
    blocks = (outputs // UNIT, UNIT // BLOCK, BLOCK)
    ordered = codes.view(outputs, inputs // 8, 8)[..., list(_FOURS)]
    return ordered.reshape(*blocks, inputs // 4, 4).permute(0, 3, 1, 2, 4).contiguous()


def unpack(packed: torch.Tensor, inputs: int) -> torch.Tensor:
    """What `pack` was given."""
    ordered = packed.permute(0, 2, 3, 1, 4).reshape(-1, inputs // 8, 8)
    codes = torch.empty_like(ordered)
    codes[..., list(_FOURS)] = ordered
    return codes.view(-1, inputs)


def describe(packed: torch.Tensor, pairs: torch.Tensor) -> Linear:
    """The weights `(code - 128) * scale + zero` for the library, which does not keep the tensors.

    `packed` is as `pack` makes it, `pairs` as `pack_pairs` makes them, in bfloat16.
    """
    units, groups, _, _ = pairs.shape
    inputs = packed.numel() // (units * UNIT)
    return Linear(
        weights=address(packed),
        pairs=address(pairs),
        outputs=units * UNIT,
        inputs=inputs,
        group=inputs // groups,
        in_bytes=True,
        bits=8,
    )
