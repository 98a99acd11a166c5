"""bitsandbytes' 4-bit layers on the CPU: few rows by its own kernel, many in bfloat16.

Our own kernel takes them, too, and where it cannot be compiled, that of bitsandbytes does.
bitsandbytes has a kernel for processors with AVX-512 and its bfloat16 instructions, which takes
any number of rows but is made for few. Elsewhere it unpacks a layer's weights in every call, which
is what makes NF4 unbearable; see `convert` for what becomes of such layers.
"""

from collections.abc import Sequence
from typing import Any, Self

import torch

from assistant.engine.linear.int4 import Int4Linear
from assistant.engine.linear.packed import multiply_plain
from assistant.engine.linear.quantized import QuantizedLinear, finish_joining, joined_bias

_KERNEL_BLOCK = 32
"""Outputs that stand together in the kernel's layout."""


def is_bitsandbytes(module: Any) -> bool:
    """Whether a module is a 4-bit layer of bitsandbytes with its weights loaded."""
    return getattr(getattr(module, "weight", None), "quant_state", None) is not None


def dequantize(layer: Any) -> torch.Tensor:
    """The weights of a bitsandbytes layer in bfloat16, `[out_features, in_features]`."""
    from bitsandbytes.functional import dequantize_4bit

    weight: torch.Tensor = dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    return weight.to(torch.bfloat16)


def has_kernel() -> bool:
    """Whether bitsandbytes has a kernel for this processor."""
    from bitsandbytes import functional

    functions: Any = functional
    return bool(functions.has_avx512bf16())


def fits_kernel(layer: Any) -> bool:
    """Whether a layer has a shape for the kernel. With another, its own class fails, too."""
    outputs, inputs = layer.weight.quant_state.shape
    return bool(outputs % _KERNEL_BLOCK == inputs % layer.weight.quant_state.blocksize == 0)


def to_int4(layer: Any) -> Int4Linear:
    """The layer with the same weights for our own kernel, where there is one.

    As in the kernel of bitsandbytes, levels and scales are rounded to bfloat16.
    """
    from bitsandbytes.functional import dequantize_blockwise

    state = layer.weight.quant_state
    outputs, inputs = state.shape
    scales = state.absmax
    if state.nested:
        scales = dequantize_blockwise(scales, state.state2) + state.offset
    scales = scales.view(outputs, inputs // state.blocksize).t()
    pairs = layer.weight.data.view(torch.uint8).view(outputs, inputs // 2)
    codes = torch.stack([pairs >> 4, pairs & 15], dim=-1).view(outputs, inputs)
    return Int4Linear.from_codes(
        codes, scales, torch.zeros_like(scales), bias=layer.bias, levels=state.code
    )


class Nf4Linear(QuantizedLinear):
    """A layer in NF4 or FP4: a weight is one of sixteen levels times the scale of its group.

    The kernel rounds levels and scales to bfloat16 before it multiplies them.
    """

    packed: torch.Tensor
    scales: torch.Tensor
    levels: torch.Tensor
    kernel = "bitsandbytes' kernel"
    can_unpack = False

    def __init__(
        self,
        packed: torch.Tensor,
        scales: torch.Tensor,
        levels: torch.Tensor,
        bias: torch.Tensor | None = None,
    ) -> None:
        """`packed` `[N, K / 2]` and `scales` `[K / group, N]` are in the kernel's layout."""
        outputs, half = packed.shape
        super().__init__(2 * half, outputs, 2 * half // scales.shape[0], bias)
        self.register_buffer("packed", packed)
        self.register_buffer("scales", scales)
        self.register_buffer("levels", levels)

    @classmethod
    def from_bitsandbytes(cls, layer: Any) -> Self:
        """The layer with the same weights, where `has_kernel` and `fits_kernel`.

        `layer` has not computed yet, and cannot any more.
        """
        from bitsandbytes.functional import _convert_weight_packed_for_cpu

        levels = layer.weight.quant_state.code
        packed, state = _convert_weight_packed_for_cpu(layer.weight.data, layer.weight.quant_state)
        return cls(packed, state.absmax, levels, layer.bias)

    @classmethod
    def concatenate(cls, layers: Sequence[Self]) -> Self:
        """See QuantizedLinear."""
        first = layers[0]
        for layer in layers:
            if (layer.in_features, layer.group_size) != (first.in_features, first.group_size):
                raise ValueError("the layers differ in their inputs or groups")
            if not torch.equal(layer.levels, first.levels):
                raise ValueError("the layers differ in their levels")
        joined = cls(
            torch.cat([layer.packed for layer in layers]),
            torch.cat([layer.scales for layer in layers], dim=1),
            first.levels,
            joined_bias(layers),
        )
        parts = joined.packed.split_with_sizes([layer.out_features for layer in layers])
        for layer, part in zip(layers, parts, strict=True):
            layer.packed = part
        finish_joining(joined, layers)
        return joined

    def multiply_few(self, rows: torch.Tensor) -> torch.Tensor:
        """See QuantizedLinear."""
        product: torch.Tensor = torch.ops.bitsandbytes.gemv_4bit.default(
            rows.contiguous(),
            self.packed,
            (self.out_features, self.in_features),
            self.scales,
            self.levels,
            self.group_size,
        )
        return product

    def multiply_unpacked(self, rows: torch.Tensor) -> torch.Tensor:
        """See QuantizedLinear."""
        return multiply_plain(rows, self._unpacked())

    def _unpacked(self) -> torch.Tensor:
        # Two inputs of 32 outputs stand together; the first 16 outputs are in the low halves.
        pairs = self.packed.view(-1, _KERNEL_BLOCK)
        codes = torch.stack([pairs & 15, pairs >> 4], dim=1)
        codes = codes.view(-1, self.in_features // 2, _KERNEL_BLOCK, 2).transpose(1, 2)
        values = self.levels[codes.reshape(self.out_features, self.in_features).int()]
        groups = values.view(self.out_features, -1, self.group_size)
        return (groups * self.scales.t().float().unsqueeze(-1)).view_as(values).to(torch.bfloat16)
