"""The matrices of layers in whatever form they are held, as they compute."""

from typing import Any

import torch
from torch import nn


def matrix_of(layer: Any, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """A linear layer's matrix, `[out_features, in_features]`, dequantized if need be.

    One that is held in `dtype` already is given as it is, and not copied.
    """
    state = getattr(layer.weight, "quant_state", None) if hasattr(layer, "weight") else None
    if state is not None:
        from bitsandbytes.functional import dequantize_4bit

        exact: torch.Tensor = dequantize_4bit(layer.weight.data, state)
        return exact.to(dtype)
    if hasattr(layer, "qweight"):
        whole: torch.Tensor = layer.dequantize_weight()
        return whole.T.contiguous().to(dtype)
    plain: torch.Tensor = layer.weight.data
    return plain.to(dtype)


def is_packed(layer: Any) -> bool:
    """Whether a layer's matrix is held in 4 bits."""
    packed = getattr(getattr(layer, "weight", None), "quant_state", None) is not None
    return packed or hasattr(layer, "qweight")


def put_plain(model: nn.Module, name: str, matrix: torch.Tensor) -> None:
    """Put a frozen layer with this matrix in the place of a linear one, whose bias it takes."""
    layer: Any = model.get_submodule(name)
    bias = layer.bias
    plain = nn.Linear(layer.in_features, layer.out_features, bias is not None, device="meta")
    plain.weight = nn.Parameter(matrix, requires_grad=False)
    if bias is not None:
        plain.bias = nn.Parameter(bias.detach().to(matrix.dtype), requires_grad=False)
    model.set_submodule(name, plain)


def unpack(model: nn.Module, dtype: torch.dtype) -> None:
    """Put plain layers, which compute the same, in the places of all that are held in 4 bits."""
    for name in [name for name, layer in model.named_modules() if is_packed(layer)]:
        put_plain(model, name, matrix_of(model.get_submodule(name), dtype))
