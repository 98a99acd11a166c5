"""LoRA adapters beside the base model's weights, never merged into them.

A layer with an adapter computes `W x + s B (A x)` (Hu et al. 2021, arXiv 2106.09685), with `s` the
rank's share of alpha, or its root's in rank-stabilized LoRA (Kalajdzievski 2023, arXiv 2312.03732).
Because the base stays as it is, requests with different adapters share it, even in one pass.
"""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch.nn.functional import linear

from assistant.engine.folder import TensorHeader, read_json
from assistant.engine.shapes import fill
from assistant.errors import ModelFolderError

_NAME = re.compile(r"base_model\.model\.(?P<layer>.+)\.lora_(?P<side>[AB])\.weight")
_SPECIAL = ("use_dora", "modules_to_save", "trainable_token_indices", "lora_bias", "fan_in_fan_out")
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class LoraPair:
    """What an adapter adds to one layer."""

    down: torch.Tensor
    """A: `[rank, in_features]`."""
    up: torch.Tensor
    """B, with the scale in it: `[out_features, rank]`."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """The addition to the layer's output for its input `[..., rows, in_features]`."""
        filled = fill(x.to(self.down.dtype))
        return linear(linear(filled, self.down), self.up)[..., : x.shape[-2], :].to(x.dtype)


@dataclass(frozen=True, slots=True, eq=False)
class LoraAdapter:
    """A loaded adapter."""

    name: str
    layers: Mapping[str, LoraPair]
    """By the name of the module that they belong to."""

    @property
    def nbytes(self) -> int:
        """The memory that it takes."""
        return sum(pair.down.nbytes + pair.up.nbytes for pair in self.layers.values())


def is_plain(folder: Path, tensors: Mapping[str, TensorHeader]) -> bool:
    """Whether an adapter is nothing but pairs of matrices beside linear layers.

    Others (DoRA, whole layers or token embeddings saved along) take PEFT's own modules.
    """
    config = read_json(folder / "adapter_config.json")
    if any(config.get(key) for key in _SPECIAL) or config.get("bias", "none") != "none":
        return False
    return all(_NAME.fullmatch(name) for name in tensors)


def load_adapter(
    name: str, folder: Path, tensors: Mapping[str, TensorHeader], model: Any
) -> LoraAdapter:
    """Read a plain adapter for `model`; `tensors` are those of its safetensors file.

    Raises ModelFolderError when it belongs to another base model or is damaged.
    """
    config = read_json(folder / "adapter_config.json")
    modules = dict(model.named_modules())
    check_shapes(modules, folder, tensors)
    found = load_file(folder / WEIGHTS, device=str(model.device))
    layers: dict[str, LoraPair] = {}
    for key, down in found.items():
        match = _NAME.fullmatch(key)
        if match is None or match["side"] != "A":
            continue
        up = found[key.replace(".lora_A.", ".lora_B.")]
        rank = down.shape[0]
        if rank != (said := _value(config, "r", "rank_pattern", match["layer"], rank)):
            raise ModelFolderError(
                f"the adapter {folder} cannot be used: its tensor {key} has the shape"
                f" {list(down.shape)}, and adapter_config.json says rank {said}"
            )
        scale = _scale(config, match["layer"], rank)
        # As precise as it was saved: training keeps these in float32 beside a bfloat16 base.
        dtype = torch.float32 if down.dtype is torch.float32 else model.dtype
        layers[match["layer"]] = LoraPair(down.to(dtype), (up.float() * scale).to(dtype))
    return LoraAdapter(name, layers)


def check_shapes(
    modules: Mapping[str, Any], folder: Path, tensors: Mapping[str, TensorHeader]
) -> None:
    """Every LoRA matrix must have its partner, belong to a layer of the model and fit it."""
    for name, tensor in sorted(tensors.items()):
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        layer = modules.get(match["layer"])
        other = {"A": "B", "B": "A"}[match["side"]]
        partner = name.replace(f".lora_{match['side']}.", f".lora_{other}.")
        if partner not in tensors:
            raise ModelFolderError(
                f"the tensor {partner} is missing from {folder / WEIGHTS}: download it again"
            )
        if layer is None:
            raise ModelFolderError(
                f"the adapter {folder} is for another base model: it has the tensor {name}, and"
                f" this model has no layer {match['layer']}"
            )
        rank_axis, own_axis = (0, 1) if match["side"] == "A" else (1, 0)
        own = layer.in_features if match["side"] == "A" else layer.out_features
        if len(tensor.shape) == 2 and tensor.shape[own_axis] != own:
            fitting = [0, 0]
            fitting[rank_axis], fitting[own_axis] = tensor.shape[rank_axis], own
            raise ModelFolderError(
                f"the adapter {folder} is for another base model: its tensor {name} has the shape"
                f" {list(tensor.shape)}, and this model's layer asks for {fitting}"
            )


class AdapterHooks:
    """Adapters for a model that computes with its own modules: hooks add to their outputs."""

    def __init__(self, model: Any) -> None:
        """`model` is a transformers model; its layers stay as they are."""
        self._modules = dict(model.named_modules())

    @contextmanager
    def using(self, adapter: LoraAdapter | None) -> Iterator[None]:
        """While it is entered, the model computes with `adapter`."""
        layers = {} if adapter is None else adapter.layers
        handles = [
            self._modules[name].register_forward_hook(
                lambda _module, inputs, output, pair=pair: output + pair(inputs[0])
            )
            for name, pair in layers.items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _scale(config: Mapping[str, Any], layer: str, rank: int) -> float:
    alpha = float(_value(config, "lora_alpha", "alpha_pattern", layer, rank))
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)


def _value(config: Mapping[str, Any], key: str, pattern_key: str, layer: str, default: int) -> int:
    """What a configuration says for one layer; a pattern matches the end of a module's name."""
    for pattern, value in (config.get(pattern_key) or {}).items():
        if re.fullmatch(rf"(.*\.)?({pattern})", layer):
            return int(value)
    return int(config.get(key) or default)
