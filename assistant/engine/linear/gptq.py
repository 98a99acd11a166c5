"""gptqmodel's 4-bit layers as `Int4Linear`, with the values that gptqmodel gives them."""

from collections.abc import Mapping
from typing import Any

import torch

from assistant.engine.linear.int4 import Int4Linear
from assistant.engine.linear.layout import KERNEL_GROUPS, find_layout

_SHIFTS = tuple(range(0, 32, 4))
"""Where the eight codes stand in a 32-bit word."""


class NotConvertible(Exception):
    """A layer that has to stay as it is; the text says why."""


def has_second_format(said: Mapping[str, Any] | None) -> bool:
    """Whether a folder's `quantization_config` says that its zeros are stored as they are."""
    said = said or {}
    return "gptq_v2" in (said.get("checkpoint_format"), said.get("format"))


def is_gptq(module: Any) -> bool:
    """Whether a module is a GPTQ layer of gptqmodel, by what it holds."""
    names = ("qweight", "qzeros", "scales", "g_idx", "bits", "group_size", "qzero_format")
    return all(hasattr(module, name) for name in names)


def mark_second_format(model: Any) -> None:
    """Say of a model that was just loaded that its zeros are stored as they are, not less one.

    transformers tells gptqmodel's layers nothing of a folder's `checkpoint_format`: each would add
    the one that is missing from the first format.
    """
    for layer in model.modules():
        if is_gptq(layer):
            layer.qzero_format(format=2)


def convert_gptq(layer: Any) -> Int4Linear:
    """The layer with the same weights, to the rounding of bfloat16.

    `layer` is a GPTQ layer that has not computed yet: kernels reorder what they hold when they
    do. Raises NotConvertible for other widths than 4 bits and for groups that the kernel lacks.
    """
    inputs, outputs = layer.in_features, layer.out_features
    if layer.bits != 4 or layer.qweight.dtype != torch.int32:
        raise NotConvertible(f"{layer.bits} bits")
    if layer.qweight.shape != (inputs // 8, outputs) or layer.g_idx.numel() != inputs:
        raise NotConvertible("padded or repacked weights")
    group = inputs // layer.scales.shape[0]
    own = next((size for size in reversed(KERNEL_GROUPS) if group % size == 0), None)
    if own is None or inputs % group or find_layout() is None:
        raise NotConvertible(f"groups of {group}")
    order = _order(layer.g_idx, group)
    codes = _unpack(layer.qweight, 1).view(inputs, outputs)
    if order is not None:
        codes = codes[order]
    scales = layer.scales.to(torch.bfloat16)
    # Folders of the first format hold zeros less one; kernels that want the second add it back.
    zeros = _unpack(layer.qzeros, 2).view(scales.shape[0], -1)[:, :outputs]
    zeros = zeros + (1 if layer.qzero_format() == 1 else 0)
    offsets = (8 - zeros.to(torch.bfloat16)) * scales
    # The kernel's groups are 256 inputs at most: larger ones are several with the same scale.
    return Int4Linear.from_codes(
        codes.t(),
        scales.repeat_interleave(group // own, dim=0),
        offsets.repeat_interleave(group // own, dim=0),
        bias=layer.bias,
        order=order,
    )


def _order(g_idx: torch.Tensor, group: int) -> torch.Tensor | None:
    """The inputs sorted by their groups; None where they stand so already."""
    expected = torch.arange(g_idx.numel()) // group
    if torch.equal(g_idx.long(), expected):
        return None
    order = g_idx.long().argsort(stable=True)
    if not torch.equal(g_idx.long()[order], expected):
        raise NotConvertible("groups of different sizes")
    return order


def _unpack(words: torch.Tensor, dim: int) -> torch.Tensor:
    """Eight codes of 4 bits from each 32-bit word, in a new dimension `dim`."""
    shifts = torch.tensor(_SHIFTS, dtype=torch.int32)
    shape = [1, 1, 1]
    shape[dim] = len(_SHIFTS)
    return (words.unsqueeze(dim) >> shifts.view(shape)) & 15
