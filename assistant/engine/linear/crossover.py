"""Up to how many rows the int4 kernel is faster than bfloat16: measured, it depends on the machine.

The kernel unpacks its weights for every four rows. A matrix multiplication reads them once,
however many rows there are, but four times as much; where they are not kept in bfloat16, unpacking
comes first. On a Zen 5 with two cores, a layer of 2048 to 5632, one is as good as the other at 4
rows where bfloat16 is kept and near 40 where it is not.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import torch

from assistant.engine.linear.int4 import Int4Linear

_BLOCK = 4
"""Rows that the kernel computes at a time."""
_MANY = 64
_MOST = 128
"""Rows that the kernel gets at most, whatever a busy machine made the measurement say."""
_CALLS = 12
_LAYERS = 6
"""Layers that take turns, so that weights come from memory as they do in use."""

_found: dict[tuple[int, int, int, bool, int], int] = {}


def set_crossovers(layers: Iterable[Int4Linear]) -> None:
    """Give each layer the number of rows that its kernel is best for, measured on the layers.

    Layers of the same sizes share one measurement, of some ten milliseconds, and so do models
    that are loaded later in the same process.
    """
    classes: dict[tuple[int, int, int, bool, int], list[Int4Linear]] = {}
    for layer in layers:
        key = (
            layer.in_features,
            layer.out_features,
            layer.group_size,
            layer.keeps_dense,
            torch.get_num_threads(),
        )
        classes.setdefault(key, []).append(layer)
    for key, alike in classes.items():
        if key not in _found:
            _found[key] = measure(alike[:_LAYERS])
        for layer in alike:
            layer.kernel_rows = _found[key]


@torch.inference_mode()
def measure(layers: Sequence[Int4Linear]) -> int:
    """Rows up to which the int4 kernel is at least as fast as bfloat16 for `layers` of one kind.

    Both costs are straight lines: the kernel's from 1 to 4 rows and on from there in proportion,
    that of bfloat16 from 4 rows to 64. So four numbers tell where they meet.
    """
    inputs = layers[0].in_features
    int4 = [layer.multiply_int4 for layer in layers]
    dense = [layer.multiply_dense for layer in layers]
    one, block = _seconds(int4, 1, inputs), _seconds(int4, _BLOCK, inputs)
    few, many = _seconds(dense, _BLOCK, inputs), _seconds(dense, _MANY, inputs)
    each = max(0.0, many - few) / (_MANY - _BLOCK)
    return meeting(one, block, few, each)


def meeting(one: float, block: float, few: float, each: float) -> int:
    """The last number of rows for which the kernel does not cost more than bfloat16.

    The kernel takes `one` for a row and `block` for four; bfloat16 takes `few` for four and `each`
    for a row more or less.
    """
    best = 0
    for rows in (*range(1, _BLOCK), *range(_BLOCK, _MOST + 1, _BLOCK)):
        kernel = block * rows / _BLOCK
        if rows < _BLOCK:
            kernel = one + (block - one) * (rows - 1) / (_BLOCK - 1)
        if kernel > few + each * (rows - _BLOCK):
            return best
        best = rows
    return best


def _seconds(
    functions: Sequence[Callable[[torch.Tensor], object]], rows: int, inputs: int
) -> float:
    """The shortest of several calls: what is longer, something else on the machine has caused."""
    x = torch.zeros(rows, inputs, dtype=torch.bfloat16)
    functions[0](x)
    times = []
    for call in range(_CALLS):
        begun = time.perf_counter()
        functions[(call + 1) % len(functions)](x)
        times.append(time.perf_counter() - begun)
    return min(times)
