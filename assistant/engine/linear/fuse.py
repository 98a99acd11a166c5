"""Several linear layers with the same input as one."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


def fuse(layers: Sequence[Any]) -> Any:
    """One module whose output is the layers' outputs side by side."""
    if len(layers) == 1:
        return layers[0]
    if all(type(layer) is nn.Linear for layer in layers):
        return _fuse_dense(layers)
    return _Apart(layers)


def _fuse_dense(layers: Sequence[Any]) -> nn.Linear:
    first = layers[0]
    rows = [layer.out_features for layer in layers]
    weight = torch.cat([layer.weight.data for layer in layers])
    biased = any(layer.bias is not None for layer in layers)
    bias = torch.cat(
        [
            weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias.data
            for layer in layers
        ]
    )
    fused = nn.Linear(first.in_features, sum(rows), bias=biased, device="meta")
    fused.weight = nn.Parameter(weight, requires_grad=False)
    if biased:
        fused.bias = nn.Parameter(bias, requires_grad=False)
    # The parts become views: the model goes on working, and nothing is held twice.
    for layer, part in zip(layers, torch.split(weight, rows), strict=True):
        layer.weight.data = part
    return fused


class _Apart(nn.Module):
    """Layers that cannot be one: each computes, and the outputs are put together."""

    def __init__(self, layers: Sequence[Any]) -> None:
        super().__init__()
        self._layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([layer(x) for layer in self._layers], dim=-1)
