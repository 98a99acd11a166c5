"""What a model in a folder of its own is, as far as its config.json tells."""

import json
from collections.abc import Mapping
from typing import Any

from assistant.errors import ModelFolderError
from assistant.model_specs import ModelSpec
from assistant.registry import LocalModel

_CONTEXT = 2048
_NUMBERS = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "vocab_size",
)


def spec_of(local: LocalModel) -> ModelSpec:
    """The widths of a model of Llama's shape. Raises ModelFolderError for any other."""
    file = local.folder / "config.json"
    try:
        config = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"{file} cannot be read: {error}") from error
    if not isinstance(config, dict) or not all(type(config.get(key)) is int for key in _NUMBERS):
        raise ModelFolderError(f"{local.name}: {file} does not tell the widths of a plain decoder")
    heads = config["num_attention_heads"]
    quantized = (local.folder / "quantize_config.json").is_file() or (
        (config.get("quantization_config") or {}).get("quant_method") == "gptq"
    )
    return ModelSpec(
        name=local.name,
        kind="chat" if local.chat_format else "base",
        repository="",  # it is nobody's but the user's
        architecture=str(config.get("model_type")),
        parameters=_count(config),
        layers=config["num_hidden_layers"],
        hidden_size=config["hidden_size"],
        intermediate_size=config["intermediate_size"],
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=_head_dim(config),
        vocab_size=config["vocab_size"],
        context=local.context or config.get("max_position_embeddings") or _CONTEXT,
        licence="",
        chat_format=local.chat_format,
        gptq_repository=str(local.folder) if quantized else None,
        safetensors=not quantized,
        stored_bytes=4 if _dtype(config) == "float32" else 2,
        tied_embeddings=bool(config.get("tie_word_embeddings")),
    )


def _dtype(config: Mapping[str, Any]) -> str | None:
    return config.get("dtype") or config.get("torch_dtype")


def _head_dim(config: Mapping[str, Any]) -> int:
    told = config.get("head_dim")
    return int(told or config["hidden_size"] // config["num_attention_heads"])


def _count(config: Mapping[str, Any]) -> int:
    """The weights of the matrices and norms; biases are too few to matter."""
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    key_heads = config.get("num_key_value_heads") or heads
    attention = 2 * hidden * (heads + key_heads) * _head_dim(config)
    layer = attention + 3 * hidden * config["intermediate_size"] + 2 * hidden
    tables = 1 if config.get("tie_word_embeddings") else 2
    return int(
        config["num_hidden_layers"] * layer + tables * config["vocab_size"] * hidden + hidden
    )
