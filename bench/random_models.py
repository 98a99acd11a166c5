"""A Llama of 1.1 billion parameters with random weights: speed does not ask what was learned.

The folders are made once and kept. The weights are the same in each: bfloat16, and those rounded
to 4 bits in GPTQ's form, so that whoever reads that form reads the same numbers.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import LlamaConfig

from assistant.registry import STARTER, locate

CONTEXT = 2048
GROUP = 128
"""Input features that share a scale, as most GPTQ models on the hub have it."""
_SEED = 11
_FILES = ("tokenizer.json", "tokenizer_config.json")


def llama_config(
    *,
    hidden: int = 2048,
    layers: int = 22,
    intermediate: int = 5632,
    heads: int = 32,
    kv_heads: int = 4,
    vocabulary: int = 32_000,
) -> LlamaConfig:
    """The shape of TinyLlama, unless it is asked to be smaller."""
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=intermediate,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
        dtype=torch.bfloat16,
        architectures=["LlamaForCausalLM"],
    )


def matrices(config: LlamaConfig) -> Iterator[tuple[str, int, int]]:
    """The name, output and input features of each linear layer inside the blocks."""
    hidden, inner = config.hidden_size, config.intermediate_size
    head = hidden // config.num_attention_heads
    keys = (config.num_key_value_heads or config.num_attention_heads) * head
    for layer in range(config.num_hidden_layers):
        block = f"model.layers.{layer}"
        yield f"{block}.self_attn.q_proj", hidden, hidden
        yield f"{block}.self_attn.k_proj", keys, hidden
        yield f"{block}.self_attn.v_proj", keys, hidden
        yield f"{block}.self_attn.o_proj", hidden, hidden
        yield f"{block}.mlp.gate_proj", inner, hidden
        yield f"{block}.mlp.up_proj", inner, hidden
        yield f"{block}.mlp.down_proj", hidden, inner


def save_random(folder: Path, config: LlamaConfig | None = None) -> Path:
    """The bfloat16 model, made unless it is there; its tokenizer is the starter's, filled up."""
    config = config or llama_config()
    if (folder / "config.json").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(_SEED)

    def random(*shape: int) -> torch.Tensor:
        return (torch.randn(*shape, generator=generator) * 0.02).bfloat16()

    tensors = {f"{name}.weight": random(rows, columns) for name, rows, columns in matrices(config)}
    tensors["model.embed_tokens.weight"] = random(config.vocab_size, config.hidden_size)
    tensors["lm_head.weight"] = random(config.vocab_size, config.hidden_size)
    for name in norms(config):
        tensors[name] = torch.ones(config.hidden_size, dtype=torch.bfloat16)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _save_tokenizer(folder, config.vocab_size)
    config.save_pretrained(folder)  # last: it says that the folder is whole
    return folder


def norms(config: LlamaConfig) -> Iterator[str]:
    """The names of the norms' weights."""
    for layer in range(config.num_hidden_layers):
        yield f"model.layers.{layer}.input_layernorm.weight"
        yield f"model.layers.{layer}.post_attention_layernorm.weight"
    yield "model.norm.weight"


def save_gptq(source: Path, folder: Path) -> Path:
    """The model of `source` with its blocks rounded to 4 bits, made unless it is there."""
    if (folder / "config.json").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "config.json").read_text("utf-8"))
    tensors: dict[str, torch.Tensor] = {}
    with safe_open(source / "model.safetensors", "pt") as weights:
        for name in weights.offset_keys():
            tensor = weights.get_tensor(name)
            if name.startswith("model.layers.") and tensor.ndim == 2:
                packed = pack_gptq(tensor)
                layer = name.removesuffix(".weight")
                tensors |= {f"{layer}.{part}": value for part, value in packed.items()}
            else:
                tensors[name] = tensor
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    for file in _FILES:
        shutil.copy(source / file, folder / file)
    config["quantization_config"] = _gptq_config()
    (folder / "config.json").write_text(json.dumps(config, indent=2), "utf-8")
    return folder


def pack_gptq(weight: torch.Tensor) -> dict[str, torch.Tensor]:
    """A matrix (output, input features) rounded to the nearest of 16 steps, in GPTQ's packing.

    Eight numbers of 4 bits to an int32, the first in the lowest bits: `qweight` along the input,
    `qzeros` along the output, which holds the zero point less one.
    """
    rows, columns = weight.shape
    grouped = weight.float().reshape(rows, columns // GROUP, GROUP)
    scales = (grouped.abs().amax(-1) / 7).clamp(min=1e-6).half()
    levels = (grouped / scales.float()[..., None]).round().clamp(-8, 7) + 8
    levels = levels.reshape(rows, columns).int().T.contiguous()
    zeros = torch.full((columns // GROUP, rows), 7, dtype=torch.int32)
    return {
        "qweight": _pack(levels.reshape(columns // 8, 8, rows).movedim(1, -1)),
        "qzeros": _pack(zeros.reshape(columns // GROUP, rows // 8, 8)),
        "scales": scales.T.contiguous(),
        "g_idx": (torch.arange(columns) // GROUP).int(),
    }


def _pack(numbers: torch.Tensor) -> torch.Tensor:
    """Eight numbers from 0 to 15 along the last dimension become one int32."""
    shifts = torch.arange(0, 32, 4, dtype=torch.int64)
    return (numbers.long() << shifts).sum(-1).to(torch.int32).contiguous()


def _gptq_config() -> dict[str, Any]:
    return {
        "quant_method": "gptq",
        "bits": 4,
        "group_size": GROUP,
        "sym": True,
        "desc_act": False,
        "checkpoint_format": "gptq",
    }


def _save_tokenizer(folder: Path, vocabulary: int) -> None:
    """The starter's tokenizer with names for all ids, so that whatever is generated has a text."""
    starter = locate(STARTER).folder
    content = json.loads((starter / "tokenizer.json").read_text("utf-8"))
    entries = content["model"]["vocab"]
    taken = {*entries.values(), *(entry["id"] for entry in content["added_tokens"])}
    entries |= {f"token{number}": number for number in range(vocabulary) if number not in taken}
    text = json.dumps(content)
    Tokenizer.from_str(text)  # raises where the file would not load
    (folder / _FILES[0]).write_text(text, "utf-8")
    shutil.copy(starter / _FILES[1], folder / _FILES[1])
