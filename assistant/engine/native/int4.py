"""Products with 4-bit weights.

With levels of -8 to 7, which are all but NF4's, a row's inputs in a group are rounded to 8 bits, so
that products are sums of whole numbers: twice as many fit into an instruction as in bfloat16, in
which the others are computed. That costs the starter in 4 bits 0.001 nats a token, where the 4
bits have cost 0.025.
"""

import ctypes
from functools import cache
from typing import Any

import torch

from assistant.engine.native.library import Linear, address, find_library

BLOCK = 16
"""Outputs of a block; inputs come in eights."""
UNIT = 64
"""Outputs whose weights stand together."""
_SHIFTS = (0, 4, 8, 12)


class NativeKernel:
    """The compiled functions, for weights that `describe` has described."""

    def __init__(self, library: Any) -> None:
        self._multiply, self._unpack = library.assistant_multiply, library.assistant_unpack

    def multiply(self, rows: torch.Tensor, weights: Linear) -> torch.Tensor:
        """`rows` `[M, K]` in bfloat16 times the weights, without bias: `[M, N]` in bfloat16."""
        rows = rows.contiguous()
        product = torch.empty(rows.shape[0], weights.outputs, dtype=torch.bfloat16)
        count = ctypes.c_int64(rows.shape[0])
        self._multiply(ctypes.byref(weights), _at(rows), count, _at(product))
        return product

    def unpack(self, weights: Linear, out: torch.Tensor) -> None:
        """Write the weights to `out`, `[N, K]` in bfloat16."""
        self._unpack(ctypes.byref(weights), _at(out))


def describe(
    packed: torch.Tensor, pairs: torch.Tensor, levels: torch.Tensor, *, in_bytes: bool
) -> Linear:
    """The weights `levels[code] * scale + zero` for the library, which does not keep the tensors.

    `packed` is as `pack` makes it, `pairs` are as `pack_pairs` makes them, and `levels` `[16]`,
    both in bfloat16. A group is a multiple of 32. Rows are rounded to 8 bits `in_bytes`, for which
    the levels must be -8 to 7.
    """
    units, groups, _, _ = pairs.shape
    outputs = units * UNIT
    inputs = packed.numel() * 2 // outputs
    return Linear(
        weights=address(packed),
        pairs=address(pairs),
        levels=address(levels),
        outputs=outputs,
        inputs=inputs,
        group=inputs // groups,
        in_bytes=in_bytes,
        bits=4,
    )


def pack(codes: torch.Tensor) -> torch.Tensor:
    """Codes 0 to 15, `[N, K]` of any integer type, in the kernel's order: bytes `[N, K / 2]`."""
    outputs, inputs = codes.shape
    blocks = (outputs // UNIT, UNIT // BLOCK, BLOCK)
    places = codes.to(torch.int32).view(*blocks, inputs // 8, len(_SHIFTS), 2)
    places = places.permute(0, 3, 1, 2, 5, 4)
    words = (places << torch.tensor(_SHIFTS, dtype=torch.int32)).sum(-1, dtype=torch.int32)
    # The lower half of each word of 32 bits: the order of bytes is x86's.
    return words.view(torch.int16)[..., ::2].contiguous().view(torch.uint8).view(outputs, -1)


def pack_pairs(pairs: torch.Tensor) -> torch.Tensor:
    """Scales and zeros, `[K / group, N, 2]`, in the kernel's order: `[N / 64, K / group, 64, 2]`.

    So a thread finds those of its outputs where it has just been, as it does the codes.
    """
    groups, outputs, _ = pairs.shape
    return pairs.view(groups, outputs // UNIT, UNIT, 2).transpose(0, 1).contiguous()


@cache
def find_kernel() -> NativeKernel | None:
    """The kernel, or None where there cannot be one."""
    library = find_library()
    return None if library is None else NativeKernel(library)


def _at(tensor: torch.Tensor) -> ctypes.c_void_p:
    return ctypes.c_void_p(address(tensor))
