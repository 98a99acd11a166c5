"""Adapters that are more than matrices beside linear layers: PEFT puts them into the model.

Such a model computes with transformers' own modules and with no other adapter; see `lora` for the
plain ones.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import PeftModel, get_peft_model_state_dict

from assistant.engine.folder import TensorHeader, reason
from assistant.engine.lora import check_shapes
from assistant.errors import ModelFolderError


def attach_adapter(model: Any, folder: Path, tensors: Mapping[str, TensorHeader]) -> Any:
    """`model` with the adapter's layers inside it, not merged.

    `tensors` are those of the adapter's safetensors file. Raises ModelFolderError when it belongs
    to another base model or is damaged.
    """
    check_shapes(dict(model.named_modules()), folder, tensors)
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
