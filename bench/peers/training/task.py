"""What every contender trains, so that all do the same work on the same base."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer

from assistant.engine.shapes import keep_few_shapes

RANK = 16
MAX_LENGTH = 1024
"""Tokens of a packed row."""
ROWS = 2
"""Packed rows of a step: about as many tokens as the chats of a padded one have."""
CHATS = 16
"""Of a padded step."""
LEARNING_RATE = 2e-4
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_Models: Any = AutoModelForCausalLM
_Tokenizer: Any = AutoTokenizer
_BitsAndBytes: Any = transformers.BitsAndBytesConfig


def load(model: str, *, nf4: bool = False) -> tuple[Any, Any]:
    """The base in bfloat16 or in NF4, and its tokenizer, as transformers loads them."""
    keep_few_shapes()
    options: dict[str, Any] = {}
    if nf4:
        options["quantization_config"] = _BitsAndBytes(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    loaded = _Models.from_pretrained(model, dtype=torch.bfloat16, local_files_only=True, **options)
    return loaded, _Tokenizer.from_pretrained(model, local_files_only=True)


def adapter() -> LoraConfig:
    """An adapter on all linear layers."""
    return LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(TARGETS), task_type="CAUSAL_LM")


def read_chats(chats: str) -> list[dict[str, Any]]:
    """The chats, each with its `messages`."""
    return [json.loads(line) for line in Path(chats).read_text("utf-8").splitlines()]
