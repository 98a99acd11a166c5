"""A lean forward pass for models of Llama's shape: Llama, Mistral, Qwen 2 and Qwen 3.

It computes what transformers' own modules compute, from the same weights, and differs in how: the
new tokens of several texts stand in one row, so that weights are read once for all of them; the
projections of a layer that have the same input are one product; what nobody asked for (the logits,
and in the last layer all but the keys and values) is left out. In a model of a few layers most of
the time is Python's, and there is less of it here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import embedding, silu
from transformers import DynamicCache

from assistant.engine.attention import attend
from assistant.engine.kv_cache import GrowingCache, GrowingLayer
from assistant.engine.native.layers import LayerParts, NativeLayers, Shape, Text
from assistant.engine.parts import Interrupt, Interrupted, Part
from assistant.engine.projections import Projection, Share
from assistant.engine.rotations import Rotations, turn

_FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
_ROPES = ("default", "linear", "llama3", "yarn")
"""Rotations that depend on nothing but the position."""

_Seen = list[tuple[torch.Tensor, torch.Tensor]]
"""Each text's keys and values, `[key_heads, positions, head_dim]`."""


class Decoder:
    """The forward pass of one model."""

    together = True

    def __init__(self, model: Any) -> None:
        """`model` is a transformers model for which `of` gives a decoder."""
        inner = model.model
        self._device: torch.device = model.device
        self._vocabulary: int = model.config.vocab_size
        self._embedding: torch.Tensor = inner.embed_tokens.weight
        self._rotations = Rotations(inner.rotary_emb, self._embedding)
        self._layers = [_Layer(layer, number) for number, layer in enumerate(inner.layers)]
        self._norm, self._head = _Norm(inner.norm), Projection([("lm_head", model.lm_head)])
        self.native = NativeLayers.of(
            [layer.parts for layer in self._layers],
            self._layers[0].shape,
            self._embedding.detach(),
            self._norm.weight,
        )
        """The layers, where there is code of our own for them."""

    @classmethod
    def of(cls, model: Any) -> "Decoder | None":
        """The decoder of a model, or None where the model is of another shape."""
        config = model.config
        plain = (
            config.model_type in _FAMILIES
            and getattr(config, "hidden_act", None) == "silu"
            and (config.rope_parameters or {}).get("rope_type", "default") in _ROPES
            and set(getattr(config, "layer_types", None) or ()) <= {"full_attention"}
            and (config.model_type != "mistral" or config.sliding_window is None)
            and not hasattr(model, "peft_config")
        )
        return cls(model) if plain else None

    def new_cache(self) -> DynamicCache:
        """See `Runner`."""
        return GrowingCache([GrowingLayer() for _ in self._layers])

    @torch.inference_mode()
    def forward(
        self, parts: Sequence[Part], interrupt: Interrupt | None = None
    ) -> list[torch.Tensor]:
        """See `Runner`."""
        shares = _shares(parts, [len(part.ids) for part in parts])
        keeps = [part.keep for part in parts]
        rows = sum(len(part.ids) for part in parts)
        if self.native is not None and self.native.takes(rows) and not shares:
            states = self.native_states(parts, interrupt)
        else:
            states = self._norm(self._states(parts, _rows(parts), shares, interrupt))
        if not len(states):
            return [states.new_empty(0, self._vocabulary) for _ in parts]
        logits = self._head(states, _shares(parts, keeps) if shares else ())
        return [logits] if len(parts) == 1 else list(torch.split(logits, keeps))

    def native_states(
        self, parts: Sequence[Part], interrupt: Interrupt | None = None
    ) -> torch.Tensor:
        """The normalized states of the rows to keep by our own code, which must be there.

        Raises Interrupted.
        """
        assert self.native is not None
        texts = [Text(part.ids, part.cache.length, part.keep, part.cache) for part in parts]
        rotations = self._rotations.until(max(text.before + len(text.ids) for text in texts))
        states = self.native.forward(texts, *rotations, interrupt)
        if states is None:
            raise Interrupted
        return states

    def _states(
        self,
        parts: Sequence[Part],
        spans: Sequence["_Span"],
        shares: Sequence[Share],
        interrupt: Interrupt | None,
    ) -> torch.Tensor:
        """The states of the rows to keep behind the last layer, `[rows, hidden]`."""
        ids = [token for part in parts for token in part.ids]
        states = embedding(torch.tensor(ids, device=self._device), self._embedding)
        turns = self._rotations.at([span.positions for span in spans])
        *layers, last = self._layers
        for layer in layers:
            if interrupt is not None and interrupt():
                raise Interrupted
            queries, seen = layer.read(states, turns, spans, shares)
            states = layer.answer(states, queries, seen, spans, shares)
        queries, seen = last.read(states, turns, spans, shares)
        kept = [row for span in spans for row in range(span.stop - span.keep, span.stop)]
        if not kept:
            return states[:0]
        if len(kept) < len(ids):
            # Behind the last layer's keys and values only the wanted rows are needed.
            chosen = torch.tensor(kept, device=self._device)
            states, queries = states[chosen], queries[chosen]
            spans, seen = _kept_rows(spans, seen)
            shares = _shares(parts, [part.keep for part in parts])
        return last.answer(states, queries, seen, spans, shares)


@dataclass(frozen=True, slots=True)
class _Span:
    """The rows of one text in a pass."""

    start: int
    stop: int
    keep: int
    before: int
    """How many tokens of the text were read before."""
    cache: GrowingCache

    @property
    def positions(self) -> range:
        """Where the rows stand in the text."""
        return range(self.before, self.before + self.stop - self.start)


def _rows(parts: Sequence[Part]) -> list[_Span]:
    spans, start = [], 0
    for part in parts:
        stop = start + len(part.ids)
        spans.append(_Span(start, stop, part.keep, part.cache.length, part.cache))
        start = stop
    return spans


def _kept_rows(spans: Sequence[_Span], seen: _Seen) -> tuple[list[_Span], _Seen]:
    """The rows that are left when all but the wanted ones are gone."""
    left, views, start = [], [], 0
    for span, view in zip(spans, seen, strict=True):
        if span.keep:
            left.append(_Span(start, start + span.keep, span.keep, span.before, span.cache))
            views.append(view)
            start += span.keep
    return left, views


def _shares(parts: Sequence[Part], sizes: Sequence[int]) -> list[Share]:
    """Where the rows of texts with adapters are; neighbours with the same one go together."""
    shares: list[Share] = []
    start = 0
    for part, size in zip(parts, sizes, strict=True):
        stop = start + size
        if part.adapter is not None and size:
            if shares and shares[-1].adapter is part.adapter and shares[-1].stop == start:
                shares[-1] = Share(shares[-1].start, stop, part.adapter)
            else:
                shares.append(Share(start, stop, part.adapter))
        start = stop
    return shares


class _Layer:
    def __init__(self, layer: Any, number: int) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        named = f"model.layers.{number}.self_attn."
        self._number = number
        self._mixed = Projection(
            [(named + name, getattr(attention, name)) for name in ("q_proj", "k_proj", "v_proj")]
        )
        self._output = Projection([(named + "o_proj", attention.o_proj)])
        named = f"model.layers.{number}.mlp."
        self._inner = Projection(
            [(named + name, getattr(mlp, name)) for name in ("gate_proj", "up_proj")]
        )
        self._down = Projection([(named + "down_proj", mlp.down_proj)])
        self._before, self._between = (
            _Norm(layer.input_layernorm),
            _Norm(layer.post_attention_layernorm),
        )
        self._head_norms = (
            (_Norm(attention.q_norm), _Norm(attention.k_norm))
            if hasattr(attention, "q_norm")
            else None
        )
        self._head_dim: int = attention.head_dim
        self._heads = attention.q_proj.out_features // self._head_dim
        self._key_heads = attention.k_proj.out_features // self._head_dim
        self._scale: float = attention.scaling
        self._width: int = mlp.gate_proj.out_features

    @property
    def parts(self) -> LayerParts:
        """What it computes with."""
        norms = self._head_norms
        return LayerParts(
            mixed=self._mixed.module,
            output=self._output.module,
            inner=self._inner.module,
            down=self._down.module,
            before=self._before.weight,
            between=self._between.weight,
            head_norms=None if norms is None else (norms[0].weight, norms[1].weight),
        )

    @property
    def shape(self) -> Shape:
        """Its sizes."""
        return Shape(
            hidden=self._before.weight.shape[0],
            heads=self._heads,
            key_heads=self._key_heads,
            head_dim=self._head_dim,
            width=self._width,
            scale=self._scale,
            epsilon=self._before.epsilon,
        )

    def read(
        self,
        states: torch.Tensor,
        turns: tuple[torch.Tensor, torch.Tensor],
        spans: Sequence[_Span],
        shares: Sequence[Share],
    ) -> tuple[torch.Tensor, _Seen]:
        """The queries of all rows, and keys and values of all texts, these rows' included."""
        mixed = self._mixed(self._before(states), shares).view(len(states), -1, self._head_dim)
        heads, turned = self._heads, self._heads + self._key_heads
        both = mixed[:, :turned]
        if self._head_norms is not None:
            queries, keys = self._head_norms
            both = torch.cat((queries(both[:, :heads]), keys(both[:, heads:])), dim=1)
        both = turn(both, *turns)
        seen = [
            span.cache.growing[self._number].append(
                both[span.start : span.stop, heads:], mixed[span.start : span.stop, turned:]
            )
            for span in spans
        ]
        return both[:, :heads], seen

    def answer(
        self,
        states: torch.Tensor,
        queries: torch.Tensor,
        seen: _Seen,
        spans: Sequence[_Span],
        shares: Sequence[Share],
    ) -> torch.Tensor:
        """The states behind this layer."""
        found = [
            attend(queries[span.start : span.stop], keys, values, self._scale)
            for span, (keys, values) in zip(spans, seen, strict=True)
        ]
        states = states + self._output(torch.cat(found) if len(found) > 1 else found[0], shares)
        inner = self._inner(self._between(states), shares)
        gated = silu(inner[:, : self._width]).mul_(inner[:, self._width :])
        return states + self._down(gated, shares)


class _Norm:
    """Root-mean-square normalization, rounded as transformers' modules round it."""

    def __init__(self, module: Any) -> None:
        self.weight: torch.Tensor = module.weight.detach()
        self.epsilon: float = module.variance_epsilon

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        wide = x.float()
        size = torch.rsqrt(wide.square().mean(-1, keepdim=True).add_(self.epsilon))
        return (wide * size).to(x.dtype).mul_(self.weight)
