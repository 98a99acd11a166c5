"""A linear layer with 8-bit weights: the output head beside layers in 4 bits.

A head is read as a whole for each token, and in bfloat16 takes as much time as a fifth of a small
model's layers in 4 bits. In 8 bits, in groups with a scale, answers change far less than by the 4
bits of the layers (docs/quantization.md).
"""

from typing import Self

import torch
from torch import nn

from assistant.engine.linear.layout import pad_outputs
from assistant.engine.native import int8 as native
from assistant.engine.native.int4 import find_kernel, pack_pairs
from assistant.engine.native.library import Linear

GROUP = 64
"""Inputs that share a scale."""


class Int8Linear(nn.Module):
    """`y = W x + bias` with W in 8 bits and x rounded to 8 bits; sums are float32.

    There is a kernel for it where there is our own for 4 bits.
    """

    packed: torch.Tensor
    scales_and_zeros: torch.Tensor
    bias: torch.Tensor | None

    def __init__(
        self,
        packed: torch.Tensor,
        scales_and_zeros: torch.Tensor,
        out_features: int,
        *,
        bias: torch.Tensor | None = None,
        tied: bool = False,
    ) -> None:
        """Both tensors are in the orders of `native`, padded to whole blocks of outputs.

        `tied` says that these weights are in the embedding, too.
        """
        super().__init__()
        self.out_features, self.tied = out_features, tied
        self.in_features = packed.numel() // (64 * len(scales_and_zeros))
        self.register_buffer("packed", packed)
        self.register_buffer("scales_and_zeros", scales_and_zeros)
        self.register_buffer("bias", None if bias is None else bias.detach().to(torch.bfloat16))

    @classmethod
    def from_weight(
        cls, weight: torch.Tensor, bias: torch.Tensor | None = None, *, tied: bool = False
    ) -> Self:
        """Rounded from `weight`, `[N, K]` of any floating dtype; `fits` must say yes to it."""
        rows = pad_outputs(weight.detach(), 0).float()
        groups = rows.view(len(rows), -1, GROUP)
        scales = (groups.abs().amax(-1) / 127).to(torch.bfloat16)
        inverse = torch.where(scales == 0, 0, 1 / scales.float()).unsqueeze(-1)
        codes = torch.clamp((groups * inverse).round_(), -128, 127).add_(128).to(torch.uint8)
        pairs = torch.stack((scales.t(), torch.zeros_like(scales.t())), -1)
        packed = native.pack(codes.flatten(1))
        return cls(packed, pack_pairs(pairs), len(weight), bias=bias, tied=tied)

    @staticmethod
    def fits(in_features: int) -> bool:
        """Whether a layer with so many inputs can be one on this machine."""
        return in_features % GROUP == 0 and find_kernel() is not None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`x` is `[..., in_features]` in any dtype, which the answer has, too."""
        kernel = find_kernel()
        assert kernel is not None, "there is no such layer without the kernel"
        rows = x.to(torch.bfloat16).reshape(-1, self.in_features)
        product = kernel.multiply(rows, self.described)[:, : self.out_features]
        if self.bias is not None:
            product = product + self.bias
        return product.reshape(*x.shape[:-1], self.out_features).to(x.dtype)

    @property
    def described(self) -> Linear:
        """Its weights for the kernel, without bias."""
        return native.describe(self.packed, self.scales_and_zeros)

    @property
    def dequantized_weight(self) -> torch.Tensor:
        """The weights in bfloat16, `[out_features, in_features]`."""
        codes = native.unpack(self.packed, self.in_features)
        scales = self.scales_and_zeros[..., 0].transpose(1, 2).reshape(len(codes), -1)
        weight = (codes.float() - 128) * scales.float().repeat_interleave(GROUP, 1)
        return weight[: self.out_features].to(torch.bfloat16)

    def extra_repr(self) -> str:
        """What `print` shows of the layer."""
        return f"{self.in_features}, {self.out_features}"
