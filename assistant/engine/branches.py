"""Texts that begin alike: the keys and values of the beginning are held once for all of them.

An examination asks hundreds of questions behind the same examples. A copy of the examples' cache
for each question of a pass would take more memory than the model; here a layer joins the two while
it computes, and lets go of them at once.
"""

import torch

from assistant.engine.kv_cache import GrowingCache, GrowingLayer


class BranchLayer(GrowingLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values that begin with those of another, of which it has no copy."""

    def __init__(self, trunk: GrowingLayer) -> None:
        """`trunk` must stay as it is for as long as this one is used."""
        super().__init__()
        self._trunk: GrowingLayer | None = trunk
        self._shared = self.length = trunk.length
        self._own = GrowingLayer()

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `GrowingLayer`; what it returns is joined anew each time."""
        if self._trunk is None:
            return super().update(key_states, value_states)
        self._own.length = self.length - self._shared
        self._own.update(key_states, value_states)
        self.length += key_states.shape[-2]
        keys, values = self._held(0), self._held(1)
        assert keys is not None and values is not None
        return keys, values

    def reserve(self, positions: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See `GrowingLayer`. Whoever writes into buffers needs the beginning there as well."""
        if self._trunk is not None:
            keys, values = self._held(0), self._held(1)
            self._trunk, self.length = None, 0
            if keys is not None and values is not None:
                super().update(keys, values)
        return super().reserve(positions, like)

    @property
    def nbytes(self) -> int:
        """The memory that it takes beside the trunk's."""
        return super().nbytes if self._trunk is None else self._own.nbytes

    def _held(self, which: int) -> torch.Tensor | None:
        if self._trunk is None:
            return super()._held(which)
        found = [piece for piece in self._pieces(which) if piece is not None and piece.shape[2]]
        if len(found) < 2:
            return found[0] if found else None
        return torch.cat(found, dim=2)

    def _pieces(self, which: int) -> list[torch.Tensor | None]:
        """What is joined, in order; the trunk may be a branch itself."""
        trunk = self._trunk
        if trunk is None:
            return [super()._held(which)]
        self._own.length = self.length - self._shared
        before = trunk._pieces(which) if isinstance(trunk, BranchLayer) else [trunk._held(which)]
        return [*before, self._own._held(which)]


def branch(cache: GrowingCache) -> GrowingCache:
    """A cache that begins with what this one holds now and goes on by itself.

    Many may go on from the same one, which must not change meanwhile. Cropping a branch to less
    than it began with is not possible.
    """
    return GrowingCache([BranchLayer(layer) for layer in cache.growing])
