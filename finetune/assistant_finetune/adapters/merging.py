"""An adapter and its base as one model in bfloat16, checked against the two of them.

An adapter that was trained on NF4 weights learned to correct those, so it is merged into them
unpacked, not into the weights that they were made of.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from assistant.engine.folder import check_adapter_folder
from assistant.engine.load import LoadedModel, LoadOptions, load_model
from assistant.engine.lora import AdapterHooks, LoraAdapter
from assistant.engine.quiet import quiet
from assistant.errors import AssistantError, UsageError
from assistant.prompts.fingerprint import probe_ids
from assistant.registry import LocalModel, locate
from assistant_finetune.adapters.agreement import apart
from assistant_finetune.adapters.installed import Installed
from assistant_finetune.training.weights import is_packed, matrix_of, put_plain
from assistant_finetune.training.whole_model import copy_beside

_FURTHEST = 0.05
"""How far apart the probabilities of the two may be on average, as total variation.

bfloat16 rounds the sum of both matrices once more."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of it."""

    folder: Path
    distance: float
    """The mean distance between the probabilities of the merged model and of base and adapter, as
    total variation: 0 is the same, 1 has nothing in common."""
    same: float
    """The share of places where both think the same token the most likely."""


def merge(adapter: Installed, output: Path, device: str = "cpu") -> Merged:
    """Write the merged model into a new folder, whole or not at all.

    Raises UsageError where the adapter cannot be merged, and AssistantError when the merged model
    would answer otherwise.
    """
    if output.exists():
        raise UsageError(f"{output} is there already: name another folder")
    local = locate(adapter.base, str(adapter.folder))
    nf4 = adapter.quantization == "nf4"
    options = LoadOptions(
        device, "nf4" if nf4 else "none", for_inference=False, dtype=torch.bfloat16
    )
    loaded = load_model(local, options)
    if loaded.adapter is None:
        raise UsageError(f"{adapter.name} is more than a LoRA beside linear layers: not merged")
    if loaded.description.quantization == "gptq":
        raise UsageError(
            f"{adapter.base} has GPTQ weights, into which nothing is merged: pull the full weights,"
            " and name their folder as the adapter's base"
        )
    check_adapter_folder(adapter.folder)
    for layer in loaded.model.modules():
        if is_packed(layer):
            layer.training = True  # otherwise it rearranges its weights when it is asked
    ids = torch.tensor([probe_ids(loaded.renderer)], device=loaded.model.device)
    with torch.inference_mode(), AdapterHooks(loaded.model).using(loaded.adapter):
        expected = loaded.model(ids).logits[0].float()
    _merge(loaded, loaded.adapter)
    with torch.inference_mode():
        found = loaded.model(ids).logits[0].float()
    distance, same = apart(found.softmax(-1), expected.softmax(-1))
    if distance > _FURTHEST:
        raise AssistantError(
            f"the merged model would answer otherwise than {adapter.name} on {adapter.base}: their "
            f"probabilities are {distance:.0%} apart; nothing was written"
        )
    _save(loaded, local, output)
    return Merged(output, distance, same)


def _merge(loaded: LoadedModel, adapter: LoraAdapter) -> None:
    """Put plain layers in the places of all quantized ones, and add the adapter's matrices."""
    for name, layer in list(loaded.model.named_modules()):
        pair = adapter.layers.get(name)
        if pair is None and not is_packed(layer):
            continue
        matrix = matrix_of(layer)
        if pair is not None:
            matrix = matrix + pair.up.float() @ pair.down.float()
        put_plain(loaded.model, name, matrix.to(torch.bfloat16))


def _save(loaded: LoadedModel, base: LocalModel, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=output.parent, prefix=f".{output.name}."))
    model: Any = loaded.model
    try:
        # What says that the weights are quantized, and how they were loaded.
        model.config.__dict__.pop("quantization_config", None)
        for name in ("hf_quantizer", "quantization_method", "is_loaded_in_4bit", "is_quantized"):
            model.__dict__.pop(name, None)
        with quiet():
            model.save_pretrained(unfinished)
        copy_beside(base, unfinished)
        unfinished.chmod(0o755)
        os.replace(unfinished, output)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
