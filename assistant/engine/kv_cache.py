"""The keys and values of the tokens that a model has read."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

_ROOM = 256
"""Positions; room is made in multiples of it."""


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values, `[1, heads, positions, head_dim]`, with room to grow.

    The layer that it extends copies all of its keys and values for every new token. This one
    writes the new ones behind the others; what is seen of the buffers are views. Cropping makes
    the views shorter, and later tokens take the freed place.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the keys and values of new tokens and give those of all tokens."""
        old = self.get_seq_length()
        new = old + key_states.shape[-2]
        keys, values = self.reserve(new, key_states)
        keys[..., old:new, :] = key_states
        values[..., old:new, :] = value_states
        return self.show(new)

    def append(self, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Take `[tokens, heads, head_dim]`, give all there is as `[heads, positions, head_dim]`."""
        seen = self.keys
        old = 0 if seen is None else seen.shape[2]
        new = old + keys.shape[0]
        if self._buffers is None or new > self._buffers[0].shape[2]:
            all_keys, all_values = self.update(
                keys.transpose(0, 1).unsqueeze(0), values.transpose(0, 1).unsqueeze(0)
            )
            return all_keys[0], all_values[0]
        # What `update` does, without what it does for shapes that never come here.
        key_buffer, value_buffer = self._buffers
        key_buffer[0, :, old:new] = keys.transpose(0, 1)
        value_buffer[0, :, old:new] = values.transpose(0, 1)
        all_keys, all_values = self.show(new)
        return all_keys[0], all_values[0]

    def reserve(self, positions: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values with room for so many positions, `[1, heads, room, head_dim]`.

        `like` has those heads, that head_dim and the dtype that there is, or is to be.
        """
        if self._buffers is None or positions > self._buffers[0].shape[2]:
            if not self.is_initialized:
                self.lazy_initialization(like, like)
            old = self.get_seq_length()
            self._buffers = (
                _with_room(like, self.keys, old, positions),
                _with_room(like, self.values, old, positions),
            )
            self.show(old)  # nobody may ever write what comes behind
        return self._buffers

    def show(self, positions: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Have the first `positions` of the buffers, where they are written by now."""
        assert self._buffers is not None
        keys, values = self._buffers
        self.keys, self.values = seen = keys[:, :, :positions], values[:, :, :positions]
        return seen

    def crop_to(self, positions: int) -> None:
        """Forget all positions but the first `positions`, which it must have."""
        if self.keys is not None and self.values is not None:
            self.keys, self.values = self.keys[..., :positions, :], self.values[..., :positions, :]

    def copy(self, positions: int) -> "GrowingLayer":
        """A layer of its own with the first `positions` of this one."""
        twin = GrowingLayer()
        if positions and self.keys is not None and self.values is not None:
            twin.update(self.keys[..., :positions, :], self.values[..., :positions, :])
        return twin

    @property
    def nbytes(self) -> int:
        """The memory that the buffers take."""
        return sum(buffer.nbytes for buffer in self._buffers or ())


def _with_room(like: torch.Tensor, seen: torch.Tensor | None, old: int, new: int) -> torch.Tensor:
    """A buffer for `new` positions and half as many again, that begins with the `old` ones."""
    size = -(-(new + new // 2) // _ROOM) * _ROOM
    buffer = like.new_empty((*like.shape[:-2], size, like.shape[-1]))
    if old and seen is not None:
        buffer[..., :old, :] = seen
    return buffer


class GrowingCache(DynamicCache):
    """A cache of `GrowingLayer`s: it can be cropped to any length and copied in part."""

    def __init__(self, layers: list[GrowingLayer]) -> None:
        super().__init__()
        self.layer_class_to_replicate = None
        self.growing = layers
        self.layers = list(layers)

    @property
    def length(self) -> int:
        """How many positions it holds."""
        keys = self.growing[0].keys
        return 0 if keys is None else keys.shape[-2]

    def crop_to(self, positions: int) -> None:
        """Forget all positions but the first `positions`, which it must have."""
        for layer in self.growing:
            layer.crop_to(positions)

    def copy(self, positions: int) -> "GrowingCache":
        """A cache of its own with the first `positions` of this one."""
        return GrowingCache([layer.copy(positions) for layer in self.growing])

    def reserve(
        self, positions: int, like: torch.Tensor
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Each layer's keys and values with room for so many; see `GrowingLayer.reserve`."""
        return [layer.reserve(positions, like) for layer in self.growing]

    def show(self, positions: int) -> None:
        """Have the first `positions` of the buffers, where they are written by now."""
        for layer in self.growing:
            layer.show(positions)

    def slice(self, start: int, stop: int) -> torch.Tensor:
        """A copy of some positions: `[layers, 2, heads, stop - start, head_dim]`."""
        parts = [
            torch.stack((layer.keys[0, :, start:stop], layer.values[0, :, start:stop]))
            for layer in self.growing
            if layer.keys is not None and layer.values is not None
        ]
        return torch.stack(parts)

    def extend(self, slices: Sequence[torch.Tensor]) -> None:
        """Append slices that were made by `slice`."""
        for number, layer in enumerate(self.growing):
            keys = torch.cat([part[number, 0] for part in slices], dim=1)
            values = torch.cat([part[number, 1] for part in slices], dim=1)
            layer.update(keys.unsqueeze(0), values.unsqueeze(0))

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return sum(layer.nbytes for layer in self.growing)


def new_cache(config: Any) -> DynamicCache:
    """An empty cache for the model with this configuration.

    A `GrowingCache` where every layer attends to all positions; for models with a sliding window,
    linear attention and the like, the cache that transformers makes for them, which forgets and so
    cannot be shared between requests.
    """
    cache = DynamicCache(config=config)
    if cache.layers and all(type(layer) is DynamicLayer for layer in cache.layers):
        return GrowingCache([GrowingLayer() for _ in cache.layers])
    return cache
