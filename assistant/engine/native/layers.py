"""Tokens through all layers of a model in one call.

From Python, a pass of one token is hundreds of operations, each of which PyTorch takes some ten
microseconds to begin and where its threads meet. Here they meet five times in a layer, and that is
all. Each of a few rows is computed alike however many there are, so that guessed tokens that are
checked together come out as they would have one by one. Of many rows, each thread takes some of a
layer's outputs for all of them, so that weights are brought into the form of a product once.
"""

import ctypes
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from assistant.engine.kv_cache import GrowingCache
from assistant.engine.linear.int4 import Int4Linear
from assistant.engine.linear.packed import PackedLinear
from assistant.engine.native.int4 import BLOCK, UNIT
from assistant.engine.native.library import Linear, address, find_library

MOST_ROWS = 32
"""Of a pass of a few tokens."""
_DENSE_BYTES = 256_000_000
"""Weights in bfloat16 are held twice for this, so there must be few. Where there are many, reading
them takes so long that nothing else counts."""
_MOST_HEAD_DIM = 256


@dataclass(frozen=True, slots=True)
class LayerParts:
    """What one layer computes with."""

    mixed: Any
    """The module of queries, keys and values, `[hidden] -> [heads + 2 * key_heads] * head_dim`."""
    output: Any
    inner: Any
    """Gate and up."""
    down: Any
    before: torch.Tensor
    between: torch.Tensor
    head_norms: tuple[torch.Tensor, torch.Tensor] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a model."""

    hidden: int
    heads: int
    key_heads: int
    head_dim: int
    width: int
    scale: float
    """What scores are multiplied with."""
    epsilon: float
    """Of all norms."""


_Interrupt = ctypes.CFUNCTYPE(ctypes.c_int64)


class _Layer(ctypes.Structure):
    _fields_: ClassVar = [
        *((name, Linear) for name in ("mixed", "output", "inner", "down")),
        *((name, ctypes.c_void_p) for name in ("before", "between", "query_norm", "key_norm")),
    ]


class _Model(ctypes.Structure):
    _fields_: ClassVar = [
        *((name, ctypes.c_void_p) for name in ("layers", "embedding", "norm")),
        *(
            (name, ctypes.c_int64)
            for name in ("number", "hidden", "heads", "key_heads", "head_dim", "width")
        ),
        *((name, ctypes.c_float) for name in ("scale", "epsilon")),
    ]


class _Pass(ctypes.Structure):
    _fields_: ClassVar = [
        *((name, ctypes.c_void_p) for name in ("ids", "positions", "texts", "cosines", "sines")),
        *((name, ctypes.c_void_p) for name in ("keys", "values", "rooms", "kept")),
        *((name, ctypes.c_int64) for name in ("rows", "number_kept")),
        ("out", ctypes.c_void_p),
        ("interrupt", _Interrupt),
    ]


@dataclass(frozen=True, slots=True)
class Text:
    """One text's share of a pass."""

    ids: Sequence[int]
    before: int
    """How many tokens its cache holds."""
    keep: int
    cache: GrowingCache


@dataclass
class _Table:
    """The rows of a pass, and where their texts' keys and values are; named as in `_Pass`."""

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    texts: list[int] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    values: list[int] = field(default_factory=list)
    rooms: list[int] = field(default_factory=list)

    def add(self, text: Text, like: torch.Tensor) -> None:
        """Another text, whose cache gets room for its tokens."""
        count = len(text.ids)
        self.ids.extend(text.ids)
        self.positions.extend(range(text.before, text.before + count))
        self.texts.extend([len(self.rooms)] * count)
        self.kept.extend(range(len(self.ids) - text.keep, len(self.ids)))
        buffers = text.cache.reserve(text.before + count, like)
        self.keys.extend([pair[0].data_ptr() for pair in buffers])
        self.values.extend([pair[1].data_ptr() for pair in buffers])
        self.rooms.append(buffers[0][0].shape[2])


class NativeLayers:
    """All layers of one model. Not to be used by two threads at once."""

    def __init__(
        self,
        library: Any,
        layers: Sequence[LayerParts],
        shape: Shape,
        embedding: torch.Tensor,
        norm: torch.Tensor,
    ) -> None:
        self._few = library.assistant_pass
        in_bytes = all(map(_in_bytes, _products(layers)))
        self._many: Any = getattr(library, "assistant_pass_many", None) if in_bytes else None
        self._shape = shape
        self._like = torch.empty(1, shape.key_heads, 0, shape.head_dim, dtype=torch.bfloat16)
        self._held: list[torch.Tensor] = [embedding, norm]
        self._layers = (_Layer * len(layers))(*map(self._layer, layers))
        self._model = _Model(
            layers=ctypes.addressof(self._layers),
            embedding=address(embedding),
            norm=address(norm),
            number=len(layers),
            hidden=shape.hidden,
            heads=shape.heads,
            key_heads=shape.key_heads,
            head_dim=shape.head_dim,
            width=shape.width,
            scale=shape.scale,
            epsilon=shape.epsilon,
        )

    @classmethod
    def of(
        cls,
        layers: Sequence[LayerParts],
        shape: Shape,
        embedding: torch.Tensor,
        norm: torch.Tensor,
    ) -> "NativeLayers | None":
        """The layers of a model, or None where they are of another kind or there is no library."""
        products = _products(layers)
        dense = sum(module.nbytes for module in products if type(module) is PackedLinear)
        fits = (
            embedding.dtype == torch.bfloat16
            and embedding.device.type == "cpu"
            and all(map(_fits, products))
            and dense <= _DENSE_BYTES
            and not (shape.hidden % UNIT or shape.width % UNIT or shape.head_dim % 32)
            and shape.head_dim <= _MOST_HEAD_DIM
        )
        library = find_library() if fits else None
        return None if library is None else cls(library, layers, shape, embedding, norm)

    def takes(self, rows: int) -> bool:
        """Whether it computes passes of so many rows: of many, where all products are in 8 bits."""
        return rows <= MOST_ROWS or self._many is not None

    def forward(
        self,
        texts: Sequence[Text],
        cosines: torch.Tensor,
        sines: torch.Tensor,
        interrupt: Callable[[], bool] | None = None,
    ) -> torch.Tensor | None:
        """The normalized states of the rows to keep, `[rows, hidden]`; the caches grow.

        `cosines` and signed `sines` are `[positions, head_dim]` in bfloat16. A pass of many rows
        asks before each layer whether to break off, and is None then.
        """
        table = _Table()
        for text in texts:
            table.add(text, self._like)
        out = torch.empty(len(table.kept), self._shape.hidden, dtype=torch.bfloat16)
        arrays = {name: array("q", row) for name, row in vars(table).items()}
        found = _Pass(
            **{name: numbers.buffer_info()[0] for name, numbers in arrays.items()},
            cosines=address(cosines),
            sines=address(sines),
            rows=len(table.ids),
            number_kept=len(table.kept),
            out=address(out),
            interrupt=_Interrupt(0 if interrupt is None else interrupt),
        )
        model, rows = ctypes.byref(self._model), ctypes.byref(found)
        if len(table.ids) <= MOST_ROWS:
            self._few(model, rows)
        elif not self._many(model, rows):
            return None
        for text in texts:
            text.cache.hold(text.before + len(text.ids))
        return out

    def _layer(self, parts: LayerParts) -> _Layer:
        query_norm, key_norm = parts.head_norms or (None, None)
        norms = [parts.before, parts.between, query_norm, key_norm]
        self._held.extend(norm for norm in norms if norm is not None)
        products = (parts.mixed, parts.output, parts.inner, parts.down)
        return _Layer(*map(self._linear, products), *map(address, norms))

    def _linear(self, module: Any) -> Linear:
        if isinstance(module, Int4Linear):
            found = module.described
            self._held.extend((module.packed, module.scales_and_zeros, module.levels))
            order = None if module.order is None else module.order.long()
            found.order = self._address(order)
        else:
            weight = _blocks(module.dequantized_weight)
            found = Linear(outputs=weight.shape[0] * UNIT, inputs=module.in_features, group=0)
            found.weights = self._address(weight)
        bias = module.bias
        if bias is not None:
            bias = torch.nn.functional.pad(bias, (0, found.outputs - len(bias)))
        found.bias = self._address(bias)
        return found

    def _address(self, tensor: torch.Tensor | None) -> int | None:
        if tensor is not None:
            self._held.append(tensor)
        return address(tensor)


def _products(layers: Sequence[LayerParts]) -> list[Any]:
    return [
        module
        for layer in layers
        for module in (layer.mixed, layer.output, layer.inner, layer.down)
    ]


def _in_bytes(module: Any) -> bool:
    return isinstance(module, Int4Linear) and module.in_bytes


def _fits(module: Any) -> bool:
    if isinstance(module, Int4Linear):
        return module.own_kernel
    return type(module) is PackedLinear and module.in_features % 32 == 0


def _blocks(weight: torch.Tensor) -> torch.Tensor:
    """`[outputs, inputs]` as `DenseWeights` of `dense.hpp` has it."""
    outputs, inputs = weight.shape
    padded = torch.nn.functional.pad(weight, (0, 0, 0, -outputs % UNIT))
    places = padded.view(-1, UNIT // BLOCK, BLOCK, inputs // 2, 2)
    return places.permute(0, 3, 1, 2, 4).contiguous()
