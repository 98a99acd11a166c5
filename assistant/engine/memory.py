"""Memory that a model no longer needs goes back to the system."""

import ctypes
import sys

import torch
from torch import nn


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
