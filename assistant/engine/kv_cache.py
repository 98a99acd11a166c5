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
    writes the new ones behind the others, into buffers of which the first `length` positions are
    what it holds. Cropping makes that fewer, and later tokens take the freed place.
    """

    def __init__(self) -> None:
        self.length = 0
        """How many positions it holds."""
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def keys(self) -> torch.Tensor | None:
        """A view of the keys that it holds, None before the first. Made when somebody looks."""
        return self._held(0)

    @keys.setter
    def keys(self, value: torch.Tensor | None) -> None:
        self._begin_anew(value)

    @property
    def values(self) -> torch.Tensor | None:
        """A view of the values, as `keys` is of the keys."""
        return self._held(1)

    @values.setter
    def values(self, value: torch.Tensor | None) -> None:
        self._begin_anew(value)

    def get_seq_length(self) -> int:
        """`length`, as transformers asks for it."""
        return self.length

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the keys and values of new tokens and give those of all tokens."""
        old, new = self.length, self.length + key_states.shape[-2]
        keys, values = self.reserve(new, key_states)
        keys[..., old:new, :] = key_states
        values[..., old:new, :] = value_states
        self.length = new
        return keys[:, :, :new], values[:, :, :new]

    def append(self, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Take `[tokens, heads, head_dim]`, give all there is as `[heads, positions, head_dim]`."""
        all_keys, all_values = self.update(
            keys.transpose(0, 1).unsqueeze(0), values.transpose(0, 1).unsqueeze(0)
        )
        return all_keys[0], all_values[0]

    def reserve(self, positions: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values with room for so many positions, `[1, heads, room, head_dim]`.

        `like` has those heads, that head_dim and the dtype that there is, or is to be.
        """
        if self._buffers is None or positions > self._buffers[0].shape[2]:
            if not self.is_initialized:
                self.lazy_initialization(like, like)
            self._buffers = (
                _with_room(like, self.keys, self.length, positions),
                _with_room(like, self.values, self.length, positions),
            )
        return self._buffers

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

    def _held(self, which: int) -> torch.Tensor | None:
        return None if self._buffers is None else self._buffers[which][:, :, : self.length]

    def _begin_anew(self, value: torch.Tensor | None) -> None:
        """What the class above does when it sets keys or values: there are none yet, or no more."""
        if value is not None and value.numel():
            raise TypeError("keys and values are appended, and taken away by their number")
        self.length, self._buffers = 0, None


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
        return self.growing[0].length

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """`length` of a layer, as transformers asks for it."""
        return self.growing[layer_idx].length

    def hold(self, positions: int) -> None:
        """Hold the first `positions`, which it has held or which are written by now."""
        for layer in self.growing:
            layer.length = positions

    def copy(self, positions: int) -> "GrowingCache":
        """A cache of its own with the first `positions` of this one."""
        return GrowingCache([layer.copy(positions) for layer in self.growing])

    def reserve(
        self, positions: int, like: torch.Tensor
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Each layer's keys and values with room for so many; see `GrowingLayer.reserve`."""
        return [layer.reserve(positions, like) for layer in self.growing]

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
