"""LoRA adapters on a loaded model."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import PeftModel, get_peft_model_state_dict

from assistant.engine.folder import TensorHeader, reason
from assistant.errors import ModelFolderError

_PREFIX = "base_model.model."


def attach_adapter(model: Any, folder: Path, tensors: Mapping[str, TensorHeader]) -> Any:
    """`model` with the adapter's layers inside it, not merged.

    `tensors` are those of the adapter's safetensors file. Raises ModelFolderError when it belongs
    to another base model or is damaged.
    """
    _check_shapes(model, folder, tensors)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tensors that are missing are named below
            adapted = PeftModel.from_pretrained(model, str(folder), is_trainable=False)
    except Exception as error:  # peft raises what its configurations and torch raise
        raise ModelFolderError(f"the adapter {folder} cannot be used: {reason(error)}") from error
    for name in sorted(get_peft_model_state_dict(adapted, save_embedding_layers=False)):
        if name not in tensors:
            raise ModelFolderError(
                f"the tensor {name} is missing from {folder / 'adapter_model.safetensors'}:"
                " download it again"
            )
    return adapted.get_base_model()


def _check_shapes(model: Any, folder: Path, tensors: Mapping[str, TensorHeader]) -> None:
    """Every LoRA matrix must belong to a layer of the model and fit it."""
    modules = dict(model.named_modules())
    for name, tensor in sorted(tensors.items()):
        place, found, kind = name.removeprefix(_PREFIX).rpartition(".lora_")
        side = kind.removesuffix(".weight")
        if not found or side not in ("A", "B"):
            continue
        layer = modules.get(place)
        if layer is None:
            raise ModelFolderError(
                f"the adapter {folder} is for another base model: it has the tensor {name}, and"
                f" this model has no layer {place}"
            )
        rank_axis, own_axis = (0, 1) if side == "A" else (1, 0)
        own = layer.in_features if side == "A" else layer.out_features
        if len(tensor.shape) == 2 and tensor.shape[own_axis] != own:
            fitting = [0, 0]
            fitting[rank_axis], fitting[own_axis] = tensor.shape[rank_axis], own
            raise ModelFolderError(
                f"the adapter {folder} is for another base model: its tensor {name} has the shape"
                f" {list(tensor.shape)}, and this model's layer asks for {fitting}"
            )
