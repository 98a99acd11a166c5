"""Memory that a model no longer needs goes back to the system."""

import ctypes
import os
import sys

import torch
from torch import nn

_SHAPES = 256
"""Shapes of products that oneDNN keeps its code for."""


def keep_few_shapes() -> None:
    """Let oneDNN, PyTorch's matrix products on a CPU, forget shapes that were not used for long.

    It compiles code for each shape, near a megabyte with what belongs to it, and keeps that for
    1,024 of them: attention to texts of all lengths fills them within an hour. To be called before
    the first product; the user's own setting in the environment counts more.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(_SHAPES))


@torch.no_grad()
def let_go_of_files(model: nn.Module) -> None:
    """Copy a CPU model's parameters out of the files that they were read from.

    Weights files are mapped, not read, and one small tensor that lies in the mapping keeps all of
    it: the embeddings alone would hold the pages of weights that other layers have replaced.
    """
    for parameter in model.parameters():
        if parameter.device.type == "cpu":
            parameter.data = parameter.data.clone()


def release_unused() -> None:
    """Give freed memory back, which the C library keeps for itself where it is fragmented.

    Replacing and joining the layers of a 0.75 GB model leaves 0.35 GB of it.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:  # glibc has it
            trim(0)
