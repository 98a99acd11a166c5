"""The precision in which a processor multiplies matrices fastest."""

import functools
import time

import torch

from assistant_finetune.training.settings import Precision

_ROWS, _INNER, _OUTER = 256, 512, 512
_TIMES = 5
_CLEARLY = 1.25
"""So many times as long must bfloat16 take before twice the memory is spent for float32."""


@functools.cache
def fastest_precision() -> Precision:
    """`bf16`, unless products in it take clearly longer than in float32 on this processor.

    Measured, in a tenth of a second, as what a processor says of itself does not tell: one without
    AVX-512 imitates bfloat16, and one that has instructions for it, but no matrix units, can be at
    half of its speed in float32.
    """
    bfloat16, float32 = _seconds(torch.bfloat16), _seconds(torch.float32)
    return "fp32" if bfloat16 > _CLEARLY * float32 else "bf16"


def _seconds(dtype: torch.dtype) -> float:
    """Of the quickest product of several; the first only makes things ready."""
    rows, matrix = torch.ones(_ROWS, _INNER, dtype=dtype), torch.ones(_OUTER, _INNER, dtype=dtype)
    taken = []
    for _ in range(1 + _TIMES):
        begun = time.perf_counter()
        torch.nn.functional.linear(rows, matrix)
        taken.append(time.perf_counter() - begun)
    return min(taken[1:])
