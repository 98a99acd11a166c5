"""Products with 4-bit weights.

PyTorch's own int4 kernel unpacks its weights for every four rows and in one way for all
processors with AVX-512. This one does so for every eight, with the instructions for bfloat16. On
a Zen 5 with two cores, a layer of 2048 to 5632 takes, in microseconds, 131 for one row and 304 for
eight, where gptqmodel's layer with PyTorch's kernel takes 180 and 580 (`bench/linear.py`).
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
    """The compiled functions. Weights are `levels[code] * scale + zero`.

    `packed` is as `pack` makes it, `pairs` are `[K / group, N, 2]`, scale and zero, and `levels`
    `[16]`, both in bfloat16. N is a multiple of 64 and a group of 32.
    """

    def __init__(self, library: Any) -> None:
        self._multiply, self._unpack = library.assistant_multiply, library.assistant_unpack

    def multiply(
        self, rows: torch.Tensor, packed: torch.Tensor, pairs: torch.Tensor, levels: torch.Tensor
    ) -> torch.Tensor:
        """`rows` `[M, K]` in bfloat16 times the weights: `[M, N]` in bfloat16."""
        rows = rows.contiguous()
        weights = describe(packed, pairs, levels, rows.shape[1])
        product = torch.empty(rows.shape[0], pairs.shape[1], dtype=torch.bfloat16)
        count = ctypes.c_int64(rows.shape[0])
        self._multiply(ctypes.byref(weights), _at(rows), count, _at(product))
        return product

    def unpack(
        self, packed: torch.Tensor, pairs: torch.Tensor, levels: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Write the weights to `out`, `[N, K]` in bfloat16."""
        weights = describe(packed, pairs, levels, out.shape[1])
        self._unpack(ctypes.byref(weights), _at(out))


def describe(
    packed: torch.Tensor, pairs: torch.Tensor, levels: torch.Tensor, inputs: int
) -> Linear:
    """The weights for the library, without bias."""
    groups, outputs, _ = pairs.shape
    return Linear(
        weights=address(packed),
        pairs=address(pairs),
        levels=address(levels),
        outputs=outputs,
        inputs=inputs,
        group=inputs // groups,
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


@cache
def find_kernel() -> NativeKernel | None:
    """The kernel, or None where there cannot be one."""
    library = find_library()
    return None if library is None else NativeKernel(library)


def _at(tensor: torch.Tensor) -> ctypes.c_void_p:
    return ctypes.c_void_p(address(tensor))
