"""Up to how many rows a 4-bit kernel is faster than bfloat16: measured, it depends on the machine.

Kernels unpack their weights for every few rows. A matrix multiplication reads them once, however
many rows there are, but four times as much; where they are not kept in bfloat16, unpacking comes
first. On a Zen 5 with two cores, a layer of 2048 to 5632, one is as good as the other near 20 rows
where bfloat16 is kept and near 100 where it is not; with PyTorch's kernel at 4 and near 50.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch

from assistant.engine.linear.quantized import QuantizedLinear

_BLOCK = 4
"""Rows that a kernel computes at a time."""
_SEVERAL = 16
_MANY = 64
_MOST = 128
"""Rows that a kernel gets at most, whatever a busy machine made the measurement say."""
_CLEARLY = 1.5
"""How much faster bfloat16 must be to get few rows. It reads four times as much, so only a kernel
without instructions for it is slower there, and then by far; less is a busy machine's doing."""
_CALLS = 8
_LAYERS = 6
"""Layers that take turns, so that weights come from memory as they do in use."""

_Kind = tuple[str, int, int, int, bool]
_found: dict[_Kind, int] = {}


def set_crossovers(layers: Iterable[QuantizedLinear]) -> None:
    """Give each layer the number of rows that its kernel is best for, measured on the layers.

    Layers of the same sizes share one measurement, of some ten milliseconds, and so do models
    that are loaded later in the same process.
    """
    kinds: dict[_Kind, list[QuantizedLinear]] = {}
    for layer in layers:
        if layer.can_unpack or layer.keeps_dense:
            kinds.setdefault(_kind(layer), []).append(layer)
    for kind, alike in kinds.items():
        if kind not in _found:
            _found[kind] = measure(alike[:_LAYERS])
        for layer in alike:
            layer.kernel_rows = _found[kind]


@torch.inference_mode()
def measure(layers: Sequence[QuantizedLinear]) -> int:
    """Rows up to which the kernel is at least as fast as bfloat16 for `layers` of one kind.

    What counts is the processor's time in one thread, which hardly depends on what else the
    machine does: several threads wait for each other, and for whoever keeps one of them waiting.
    """
    inputs = layers[0].in_features
    points = [(True, rows) for rows in (1, _BLOCK, _SEVERAL)]
    points += [(False, rows) for rows in (_BLOCK, _MANY)]
    times: list[list[float]] = [[] for _ in points]
    with _one_thread():
        for call in range(-1, _CALLS):
            layer = layers[call % len(layers)]
            for (kernel, rows), found in zip(points, times, strict=True):
                function = layer.multiply_few if kernel else layer.multiply_many
                seconds = _seconds(function, rows, inputs)
                if call >= 0:  # the first round warms up
                    found.append(seconds)
    fastest = [(rows, min(found)) for (_, rows), found in zip(points, times, strict=True)]
    return meeting(fastest[:3], fastest[3:])


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def meeting(kernel: Sequence[tuple[int, float]], dense: Sequence[tuple[int, float]]) -> int:
    """The last number of rows for which a kernel does not cost more than bfloat16, or not clearly.

    Both are given as points, rows and time, with straight lines through them.
    """
    kernel, dense = _rising(kernel), _rising(dense)
    best = 0
    for rows in (*range(1, _BLOCK), *range(_BLOCK, _MOST + 1, _BLOCK)):
        margin = _CLEARLY if rows <= _BLOCK else 1.0
        if _on_line(kernel, rows) > margin * _on_line(dense, rows):
            return best
        best = rows
    return best


def _rising(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """The points, where no fewer rows take longer than more: that was something else's doing."""
    return [
        (rows, min(seconds for _, seconds in points[place:]))
        for place, (rows, _) in enumerate(points)
    ]


def _on_line(points: Sequence[tuple[int, float]], rows: int) -> float:
    """The time at `rows`, between two points or beyond the last two."""
    place = next((n for n, (at, _) in enumerate(points[1:-1], 1) if rows <= at), len(points) - 1)
    (left, low), (right, high) = points[place - 1], points[place]
    return low + (high - low) * (rows - left) / (right - left)


def _kind(layer: QuantizedLinear) -> _Kind:
    sizes = layer.in_features, layer.out_features, layer.group_size
    return layer.kernel, *sizes, layer.keeps_dense


def _seconds(function: Callable[[torch.Tensor], object], rows: int, inputs: int) -> float:
    x = torch.zeros(rows, inputs, dtype=torch.bfloat16)
    begun = time.thread_time()
    function(x)
    return time.thread_time() - begun
