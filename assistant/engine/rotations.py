"""Rotary position embeddings (Su et al. 2021, arXiv 2104.09864), computed ahead."""

from collections.abc import Sequence
from typing import Any

import torch

_AT_ONCE = 1024
"""Positions whose rotations are computed together."""


class Rotations:
    """Cosines and sines of positions; the sines are negative for the first half of a head."""

    def __init__(self, rotary: Any, like: torch.Tensor) -> None:
        """`rotary` is transformers' module, which knows the ways of scaling; `like` the dtype."""
        self._rotary, self._like = rotary, like
        self._cos, self._sin = self._compute(_AT_ONCE)

    def at(self, places: Sequence[range]) -> tuple[torch.Tensor, torch.Tensor]:
        """Those of the rows of a pass, `[rows, 1, head_dim]`, which stand at these positions."""
        cos, sin = self.until(max(place.stop for place in places))
        if len(places) == 1:
            rows: Any = slice(places[0].start, places[0].stop)
        else:
            rows = [position for place in places for position in place]
            rows = torch.tensor(rows, device=self._like.device)
        return cos[rows], sin[rows]

    def until(self, positions: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Those of at least so many positions, `[positions, 1, head_dim]`."""
        if positions > len(self._cos):
            self._cos, self._sin = self._compute(-(-positions // _AT_ONCE) * _AT_ONCE)
        return self._cos, self._sin

    def _compute(self, positions: int) -> tuple[torch.Tensor, torch.Tensor]:
        places = torch.arange(positions, device=self._like.device).unsqueeze(0)
        cos, sin = self._rotary(self._like, places)
        signed = sin[0].clone()
        signed[:, : signed.shape[-1] // 2].neg_()
        return cos[0].unsqueeze(1), signed.unsqueeze(1)


def turn(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """`x` `[rows, heads, head_dim]` rotated by what `Rotations.at` gives for the rows."""
    turned = torch.roll(x, x.shape[-1] // 2, -1).mul_(sin)
    return turned.add_(x * cos)
