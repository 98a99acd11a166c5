"""The products of a decoder: linear layers with the same input are one, adapters come on top."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from assistant.engine.linear.fuse import fuse
from assistant.engine.lora import LoraAdapter


@dataclass(frozen=True, slots=True)
class Share:
    """The rows of a pass that belong to texts with the same adapter."""

    start: int
    stop: int
    adapter: LoraAdapter


class Projection:
    """Linear layers that read the same input."""

    def __init__(self, layers: Sequence[tuple[str, Any]]) -> None:
        """`layers` are modules with the names that adapters know them by."""
        ends = [0]
        for _, layer in layers:
            ends.append(ends[-1] + layer.out_features)
        self._places = {
            name: slice(ends[number], ends[number + 1]) for number, (name, _) in enumerate(layers)
        }
        self.module = fuse([layer for _, layer in layers])
        """What multiplies: one layer, or several as one."""
        self._compute = self.module.forward

    def __call__(self, x: torch.Tensor, shares: Sequence[Share]) -> torch.Tensor:
        """The outputs side by side, `[rows, out_features]`, for the input `[rows, in_features]`."""
        result: torch.Tensor = self._compute(x)
        for share in shares:
            rows = slice(share.start, share.stop)
            for name, columns in self._places.items():
                pair = share.adapter.layers.get(name)
                if pair is not None:
                    result[rows, columns] += pair(x[rows])
        return result
