"""Few shapes for oneDNN, PyTorch's matrix products in bfloat16 on a CPU.

It makes code for each shape, 0.3 MB with what belongs to it and as many milliseconds, and keeps it
for when the shape comes again. Texts have all lengths, and passes all numbers of rows: left to
itself, a server grows for hours.
"""

import os

import torch
from torch.nn.functional import pad

_SHAPES = 256
"""Those that oneDNN keeps. A model with rows filled up asks for some hundred."""
_STEP = 32
"""Rows: there are powers of two up to it, then multiples of it."""


def keep_few_shapes() -> None:
    """Let oneDNN forget shapes that were not used for long; by itself it keeps 1,024 of them.

    To be called before the first product; the user's own setting in the environment counts more.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(_SHAPES))


def fill(rows: torch.Tensor) -> torch.Tensor:
    """`rows` `[..., count, size]` with zeros behind them, up to one of few counts.

    Where products are made without oneDNN, on a GPU and in float32, they stay as they are.
    """
    if rows.device.type != "cpu" or rows.dtype is torch.float32:
        return rows
    missing = _filled(rows.shape[-2]) - rows.shape[-2]
    return pad(rows, (0, 0, 0, missing)) if missing else rows


def _filled(count: int) -> int:
    if count <= _STEP:
        return 1 << (count - 1).bit_length() if count else 0
    return -(-count // _STEP) * _STEP
