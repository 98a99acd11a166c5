"""How PyTorch orders 4-bit weights for its CPU kernel, found out by asking it.

The order depends on the processor: blocks of 64 or 32 outputs, of which one byte holds two that
are half a block apart, or that are neighbours. Only what PyTorch packed itself is given to its
kernel; knowing the order serves to unpack it again.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import torch
from torch.nn.functional import pad

BLOCK = 64
"""Outputs are padded to a multiple of this, so that every block is a whole one."""
KERNEL_GROUPS = (32, 64, 128, 256)
"""The group sizes, in inputs, that the kernel has."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The order of 4-bit codes in the bytes of a packed weight."""

    block: int
    """Outputs that stand together; within a block, input follows input."""
    halves: bool
    """Whether a byte's two codes are half a block apart; else they are neighbours."""

    def unpack(self, packed: torch.Tensor, out: torch.Tensor) -> None:
        """The codes less 8 of `packed` `[N, K / 2]`, written to `out` `[K, N]` of any dtype."""
        inputs, outputs = out.shape
        blocks = packed.view(outputs // self.block, inputs, self.block // 2)
        places = out.view(inputs, outputs // self.block, self.block).transpose(0, 1)
        if self.halves:
            low, high = places[..., : self.block // 2], places[..., self.block // 2 :]
        else:
            low, high = places[..., ::2], places[..., 1::2]
        low.copy_((blocks & 15).sub_(8).view(torch.int8))
        high.copy_((blocks >> 4).sub_(8).view(torch.int8))


def pack(codes: torch.Tensor) -> torch.Tensor:
    """Codes 0 to 15, `[N, K]` of any integer type, as the kernel wants them: bytes `[N, K / 2]`.

    N is a multiple of BLOCK.
    """
    packed: torch.Tensor = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes.int(), 1)
    return packed


def pad_outputs(tensor: torch.Tensor, dim: int) -> torch.Tensor:
    """`tensor` with zeros at the end of `dim`, up to a multiple of BLOCK."""
    missing = -tensor.shape[dim] % BLOCK
    if not missing:
        return tensor
    return pad(tensor, [0, 0] * (tensor.dim() - 1 - dim) + [0, missing])


@cache
def find_layout() -> Layout | None:
    """The layout on this machine, or None where it is none of those that are known."""
    if not hasattr(torch.ops.aten, "_convert_weight_to_int4pack_for_cpu"):
        return None
    codes = torch.randint(0, 16, (2 * BLOCK, 64), generator=torch.Generator().manual_seed(0))
    packed = pack(codes)
    found = torch.empty(64, 2 * BLOCK, dtype=torch.int8)
    for block, halves in product((64, 32, 16), (True, False)):
        layout = Layout(block, halves)
        layout.unpack(packed, found)
        if torch.equal(found.t() + 8, codes):
            return layout
    return None
