"""A model all of whose weights were trained, as a folder that can be served."""

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

_Models: Any = AutoModelForCausalLM
_BESIDE = (
    "tokenizer*",
    "special_tokens_map.json",
    "chat_template.jinja",
    "generation_config.json",
    "vocab.json",
    "merges.txt",
    "assistant.json",
)


def save_whole(checkpoint: Path, base: Path, folder: Path) -> Path:
    """The model of a checkpoint in bfloat16, with the base's tokenizer and notes beside it."""
    model = _Models.from_pretrained(checkpoint, dtype=torch.bfloat16, local_files_only=True)
    unfinished = folder.with_name(f".{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.save_pretrained(unfinished)
    copy_beside(base, unfinished)
    os.replace(unfinished, folder)
    return folder


def copy_beside(base: Path, folder: Path) -> None:
    """Copy what belongs to a model beside its weights, as far as its folder has it."""
    for pattern in _BESIDE:
        for file in base.glob(pattern):
            shutil.copy2(file, folder / file.name)
