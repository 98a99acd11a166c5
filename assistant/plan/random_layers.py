"""Models of a few layers with random weights, of given widths: speed asks nothing of the values."""

import copy
import math
from typing import Any

import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from assistant.engine.linear.int4 import Int4Linear
from assistant.engine.linear.int8 import GROUP, Int8Linear
from assistant.engine.linear.packed import PackedLinear
from assistant.engine.native import int4 as native
from assistant.model_specs import ModelSpec
from assistant.plan.weights import Storage

_VOCABULARY = 256
_TILE = 1 << 16
_GROUPS: dict[Storage, int] = {"int4": 64, "nf4": 64, "gptq": 128}
_Models: Any = AutoModelForCausalLM  # has no type annotations, or wrong ones


def random_model(spec: ModelSpec, storage: Storage, layers: int) -> Any:
    """A transformers model on the CPU with so many of the spec's layers, and a small vocabulary.

    Its linear layers are the engine's own for weights in the form `storage`.
    """
    make_config: Any = CONFIG_MAPPING[spec.architecture]
    config = make_config(
        vocab_size=_VOCABULARY,
        hidden_size=spec.hidden_size,
        intermediate_size=spec.intermediate_size,
        num_hidden_layers=layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=spec.kv_heads,
        head_dim=spec.head_dim,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        pad_token_id=None,
    )
    with torch.device("meta"):
        model = _Models.from_config(config, dtype=torch.bfloat16)
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear):
            parent, _, own = name.rpartition(".")
            bias = module.bias is not None
            linear = random_linear(storage, module.in_features, module.out_features, bias=bias)
            setattr(model.get_submodule(parent), own, linear)
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            tensor = torch.ones(parameter.shape, dtype=parameter.dtype)
            setattr(module, name, nn.Parameter(tensor, requires_grad=False))
    return model.eval()


def first_layers(model: Any, number: int) -> Any:
    """A model that shares the first layers of another one."""
    few = copy.copy(model)
    few._modules = {**model._modules, "model": copy.copy(model.model)}
    few.model._modules = {**model.model._modules, "layers": model.model.layers[:number]}
    return few


def random_linear(storage: Storage, inputs: int, outputs: int, *, bias: bool = False) -> nn.Module:
    """A linear layer as the engine makes it of weights in that form."""
    added = torch.zeros(outputs, dtype=torch.bfloat16) if bias else None
    if storage == "bf16":
        weight = _tiled(torch.randn(_TILE, dtype=torch.bfloat16), outputs * inputs)
        return PackedLinear(weight.view(outputs, inputs), added)
    padded = -(-outputs // 64) * 64
    codes = _tiled(torch.randint(0, 256, (_TILE,), dtype=torch.uint8), padded * inputs // 2)
    pairs = torch.full((inputs // _GROUPS[storage], padded, 2), 0.01, dtype=torch.bfloat16)
    if native.find_kernel() is not None:
        pairs = native.pack_pairs(pairs)
    return Int4Linear(codes.view(padded, inputs // 2), pairs, outputs, bias=added)


def random_head(storage: Storage, inputs: int, outputs: int) -> tuple[nn.Module, int]:
    """An output head as the engine makes it beside layers in that form, and its bytes."""
    if storage == "bf16" or not Int8Linear.fits(inputs):
        return random_linear("bf16", inputs, outputs), 2 * outputs * inputs
    units = -(-outputs // 64)
    codes = _tiled(torch.randint(0, 256, (_TILE,), dtype=torch.uint8), units * 64 * inputs)
    pairs = torch.full((units, inputs // GROUP, 64, 2), 0.01, dtype=torch.bfloat16)
    return Int8Linear(codes, pairs, outputs), codes.nbytes + pairs.nbytes


def _tiled(tile: torch.Tensor, size: int) -> torch.Tensor:
    """`size` numbers, the tile again and again: making as many at random takes far longer."""
    return tile.repeat(math.ceil(size / len(tile)))[:size]
