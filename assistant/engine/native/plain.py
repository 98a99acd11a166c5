"""Products of a few rows with ordinary matrices in bfloat16, where PyTorch is slow at them."""

import ctypes
from functools import cache
from typing import Any

import torch

from assistant.engine.native.library import address, find_library

_MULTIPLE = 16


def can_multiply(weight: torch.Tensor) -> bool:
    """Whether there is compiled code for a matrix `[N, K]`."""
    fits = not any(size % _MULTIPLE for size in weight.shape) and weight.is_contiguous()
    return fits and _function() is not None


def multiply(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`rows` `[M, K]` times such a matrix: `[M, N]`, bfloat16 all."""
    rows = rows.contiguous()
    product = rows.new_empty(len(rows), len(weight))
    sizes = (ctypes.c_int64(size) for size in (len(rows), *weight.shape))
    places = (ctypes.c_void_p(address(tensor)) for tensor in (weight, rows))
    _function()(*places, *sizes, ctypes.c_void_p(address(product)))
    return product


@cache
def _function() -> Any:
    return getattr(find_library(), "assistant_multiply_plain", None)
