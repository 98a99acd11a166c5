"""GPTQ folders made here, in every form that such folders have, and faults put into them."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

FILE = "model.safetensors"
GROUP = 32


@dataclass(frozen=True)
class Form:
    """How weights are rounded and packed."""

    symmetric: bool = False
    act_order: bool = False
    second_format: bool = False
    """Whether zeros are stored as they are, and not less one."""


def save_gptq(source: Path, folder: Path, form: Form | None = None) -> Path:
    """The model of `source` with the matrices of its layers rounded to 4 bits."""
    form = form or Form()
    shutil.copytree(source, folder)
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in load_file(source / FILE).items():
        if name.startswith("model.layers.") and tensor.ndim == 2:
            layer = name.removesuffix(".weight")
            tensors |= {f"{layer}.{part}": value for part, value in pack(tensor, form).items()}
        else:
            tensors[name] = tensor.half()
    save_file(tensors, folder / FILE, metadata={"format": "pt"})
    config = json.loads((source / "config.json").read_text())
    config["dtype"] = "float16"
    config["quantization_config"] = {
        "quant_method": "gptq",
        "bits": 4,
        "group_size": GROUP,
        "sym": form.symmetric,
        "desc_act": form.act_order,
        "checkpoint_format": "gptq_v2" if form.second_format else "gptq",
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def pack(weight: torch.Tensor, form: Form) -> dict[str, torch.Tensor]:
    """A matrix `[outputs, inputs]` rounded to the nearest of 16 steps of its group."""
    outputs, inputs = weight.shape
    g_idx = torch.arange(inputs) // GROUP
    if form.act_order:
        # As if the inputs were quantized by the size of their columns.
        order = weight.square().sum(0).argsort(descending=True)
        g_idx = torch.empty_like(g_idx)
        g_idx[order] = torch.arange(inputs) // GROUP
    codes = torch.empty(inputs, outputs, dtype=torch.long)
    groups = inputs // GROUP
    scales, zeros = torch.empty(groups, outputs), torch.empty(groups, outputs, dtype=torch.long)
    for group in range(groups):
        places = g_idx == group
        own = weight[:, places].t()
        low, high = own.amin(0).clamp(max=0), own.amax(0).clamp(min=0)
        if form.symmetric:
            scale = 2 * own.abs().amax(0) / 15
            zero = torch.full((outputs,), 8)
        else:
            scale = (high - low) / 15
            zero = (-low / scale).round().long().clamp(1, 15)
        scale = scale.half().float()
        codes[places] = ((own / scale).round().long() + zero).clamp(0, 15)
        scales[group], zeros[group] = scale, zero
    stored = zeros if form.second_format else zeros - 1
    return {
        "qweight": _words(codes.view(inputs // 8, 8, outputs).movedim(1, -1)),
        "qzeros": _words(stored.view(groups, outputs // 8, 8)),
        "scales": scales.half(),
        "g_idx": g_idx.int(),
    }


def _words(numbers: torch.Tensor) -> torch.Tensor:
    """Eight numbers from 0 to 15 along the last dimension become one 32-bit word."""
    shifts = torch.arange(0, 32, 4, dtype=torch.long)
    return (numbers << shifts).sum(-1).to(torch.int32).contiguous()


def copied(source: Path, folder: Path, **changes: Any) -> Path:
    """A copy of a model's folder, with entries of config.json changed."""
    shutil.copytree(source, folder)
    if changes:
        file = folder / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    return folder


Damage = Callable[[dict[str, torch.Tensor]], Mapping[str, torch.Tensor]]


def damaged(source: Path, folder: Path, damage: Damage) -> Path:
    """A copy of a model's folder, its tensors as `damage` gives them back."""
    copied(source, folder)
    save_file(dict(damage(load_file(source / FILE))), folder / FILE, metadata={"format": "pt"})
    return folder
