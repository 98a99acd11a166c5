"""The matrices of layers in whatever form they are held, as they compute."""

from typing import Any

import torch


def matrix_of(layer: Any) -> torch.Tensor:
    """A linear layer's matrix, `[out_features, in_features]` in float32, dequantized if need be."""
    state = getattr(layer.weight, "quant_state", None) if hasattr(layer, "weight") else None
    if state is not None:
        from bitsandbytes.functional import dequantize_4bit

        exact: torch.Tensor = dequantize_4bit(layer.weight.data, state)
        return exact.to(torch.float32)
    if hasattr(layer, "qweight"):
        whole: torch.Tensor = layer.dequantize_weight()
        return whole.T.contiguous().to(torch.float32)
    plain: torch.Tensor = layer.weight.data
    return plain.to(torch.float32)
