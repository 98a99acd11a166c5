"""Several linear layers with the same input as one."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from assistant.engine.linear.packed import PackedLinear
from assistant.engine.linear.quantized import QuantizedLinear


def fuse(layers: Sequence[Any]) -> nn.Module:
    """One module whose output is the layers' outputs side by side.

    Layers of one kind become one layer. It holds the weights, and the parts look at them: they go
    on working, and nothing is held twice. Others compute one after another.
    """
    if len(layers) == 1:
        only: nn.Module = layers[0]
        return only
    kinds = {type(layer) for layer in layers}
    if kinds == {nn.Linear}:
        return _fuse_dense(layers)
    if kinds == {PackedLinear}:
        return PackedLinear.concatenate(layers)
    if len(kinds) == 1 and isinstance(layers[0], QuantizedLinear):
        with suppress(ValueError):  # they do not fit beside each other
            return type(layers[0]).concatenate(layers)
    return _Apart(layers)


def _fuse_dense(layers: Sequence[nn.Linear]) -> nn.Linear:
    rows = [layer.out_features for layer in layers]
    weight = torch.cat([layer.weight.data for layer in layers])
    biased = any(layer.bias is not None for layer in layers)
    fused = nn.Linear(layers[0].in_features, sum(rows), bias=biased, device="meta")
    fused.weight = nn.Parameter(weight, requires_grad=False)
    if biased:
        bias = [
            weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias.data
            for layer in layers
        ]
        fused.bias = nn.Parameter(torch.cat(bias), requires_grad=False)
    for layer, part in zip(layers, weight.split_with_sizes(rows), strict=True):
        layer.weight.data = part
    return fused


class _Apart(nn.Module):
    """Layers that cannot be one: each computes, and the outputs are put together."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self._layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([layer(x) for layer in self._layers], dim=-1)
