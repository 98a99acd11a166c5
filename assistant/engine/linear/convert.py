"""A loaded model's linear layers, one by one, to those that this processor computes fastest."""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from assistant.config import Activations
from assistant.engine.linear.crossover import set_crossovers
from assistant.engine.linear.gptq import NotConvertible, convert_gptq, is_gptq
from assistant.engine.linear.int4 import Int4Linear, can_multiply
from assistant.engine.linear.int8 import Int8Linear
from assistant.engine.linear.nf4 import (
    Nf4Linear,
    dequantize,
    fits_kernel,
    has_kernel,
    is_bitsandbytes,
    to_int4,
)
from assistant.engine.linear.packed import PackedLinear
from assistant.engine.linear.quantize import group_size, quantize_linear
from assistant.engine.linear.quantized import QuantizedLinear
from assistant.engine.memory import release_unused
from assistant.engine.native.int4 import find_kernel

logger = logging.getLogger(__name__)

Make = Callable[[Any], nn.Module | None]
"""What a layer becomes; None for one that stays."""


def convert_linears(
    model: nn.Module,
    budget_bytes: int,
    *,
    kernel_rows: int | None = None,
    activations: Activations = "int8",
) -> None:
    """Replace the linear layers of a model on the CPU that has not computed yet.

    - GPTQ layers of 4 bits become `Int4Linear`, with the same values to the rounding of bfloat16.
    - bitsandbytes' 4-bit layers become `Int4Linear` where our own kernel runs, `Nf4Linear` where
      only that of bitsandbytes does, and plain bfloat16 where neither does and `budget_bytes`
      suffice.
    - bfloat16 layers become `PackedLinear`; the output head beside layers in 4 bits becomes
      `Int8Linear` where our own kernel runs.

    What cannot be converted stays as it is, which is logged. `budget_bytes` is the memory that
    may be taken beside the model's own for weights that are kept in bfloat16, too; they make
    requests of more than a few tokens faster. `kernel_rows` are the rows that 4-bit kernels get at
    most; None: as many as a measurement says they are best for. With `activations` of `bf16` no
    input is rounded to 8 bits, nor is the head. The layers of adapters stay as they are. One layer
    is converted at a time, and the old one freed if nobody else holds it.
    """
    budget = _Budget(budget_bytes)
    shared = _embedding_weights(model)
    head = _call(model, "get_output_embeddings")
    rounded = activations == "int8" and any(map(_has_four_bits, model.modules()))

    def make(layer: Any) -> nn.Module | None:
        if is_gptq(layer):
            return convert_gptq(layer)
        if is_bitsandbytes(layer):
            return _from_bitsandbytes(layer, budget)
        if rounded and layer is head and Int8Linear.fits(layer.in_features):
            tied = layer.weight.data_ptr() in shared
            return Int8Linear.from_weight(layer.weight, layer.bias, tied=tied)
        return _pack(layer, budget, shared)

    _replace(model, make)
    layers = list(dict.fromkeys(m for m in model.modules() if isinstance(m, QuantizedLinear)))
    for layer in layers:
        if isinstance(layer, Int4Linear) and activations == "bf16":
            layer.in_bytes = False
        if layer.needs_dense and not layer.keeps_dense and budget.take(layer.dense_nbytes):
            layer.keep_dense()
    if kernel_rows is None:
        set_crossovers(layer for layer in layers if layer.needs_dense)
        return
    for layer in layers:
        layer.kernel_rows = kernel_rows


def quantize_linears(model: nn.Module) -> None:
    """Replace the linear layers of a model on the CPU by ones of 4 bits, one after another.

    The output head stays, for `convert_linears` to see to. So do layers whose inputs no group size
    divides, which is logged.
    """
    head = _call(model, "get_output_embeddings")

    def make(layer: Any) -> nn.Module | None:
        if type(layer) is not nn.Linear or layer is head:
            return None
        if group_size(layer.in_features) is None:
            raise NotConvertible(f"{layer.in_features} inputs")
        return quantize_linear(layer.weight.detach(), layer.bias)

    _replace(model, make)


def _has_four_bits(layer: nn.Module) -> bool:
    return isinstance(layer, QuantizedLinear) or is_gptq(layer) or is_bitsandbytes(layer)


def _replace(model: nn.Module, make: Make) -> None:
    kept: dict[str, str] = {}
    for places in _places(model):
        parent, name = places[0]
        try:
            new = make(getattr(parent, name))
        except NotConvertible as error:
            kept.setdefault(str(error), name)
            continue
        if new is not None:
            for parent, name in places:
                setattr(parent, name, new.eval())
            # At once: what is left between the layers would come to several times their size.
            release_unused()
    for reason, name in kept.items():
        logger.warning("layers such as %s stay as they are: %s", name, reason)


def _places(model: nn.Module) -> list[list[tuple[nn.Module, str]]]:
    """Where each module stands: PEFT has some in two places. Those of adapters are left out."""
    found: dict[int, list[tuple[nn.Module, str]]] = {}

    def look_into(parent: nn.Module) -> None:
        # DoRA and its like look at the weights of the layer that they wrap.
        special = bool(getattr(parent, "lora_variant", None))
        for name, child in parent._modules.items():
            if child is None or special or name.startswith("lora_"):
                continue
            first = id(child) not in found
            found.setdefault(id(child), []).append((parent, name))
            if first:
                look_into(child)

    look_into(model)
    return list(found.values())


def _from_bitsandbytes(layer: Any, budget: "_Budget") -> nn.Module | None:
    state = layer.weight.quant_state
    outputs, inputs = state.shape
    if find_kernel() is not None and can_multiply(inputs, state.blocksize):
        return to_int4(layer)
    kept = budget.take(2 * outputs * inputs)
    if not has_kernel() and not kept:
        raise NotConvertible("no kernel on this processor, and no memory to keep them in bfloat16")
    if not has_kernel() or not fits_kernel(layer):
        return PackedLinear(dequantize(layer), layer.bias, source="nf4")
    weight = dequantize(layer) if kept else None
    new = Nf4Linear.from_bitsandbytes(layer)
    if weight is not None:
        new.keep_dense(weight)
    return new


def _pack(layer: Any, budget: "_Budget", shared: set[int]) -> nn.Module | None:
    if type(layer) is not nn.Linear or layer.weight.dtype != torch.bfloat16:
        return None
    tied = layer.weight.data_ptr() in shared
    if tied and not budget.take(layer.weight.nbytes):
        return None
    return PackedLinear(layer.weight, layer.bias, source="tied" if tied else "plain")


def _embedding_weights(model: nn.Module) -> set[int]:
    """Where the weights lie that tokens are looked up in: a head may have the same."""
    embedding = _call(model, "get_input_embeddings")
    weight = getattr(embedding, "weight", None)
    return set() if weight is None else {weight.data_ptr()}


def _call(model: Any, name: str) -> Any:
    function = getattr(model, name, None)
    return function() if function is not None else None


class _Budget:
    """Bytes that are left to spend."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, size: int) -> bool:
        """Spend `size`, if there is so much left."""
        if size > self._left:
            return False
        self._left -= size
        return True
