"""A model all of whose weights were trained, as a folder that can be served."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from assistant.paths import write_atomically
from assistant.registry import NOTES, NOTES_FILE, LocalModel

_Models: Any = AutoModelForCausalLM
_BESIDE = (
    "tokenizer*",
    "special_tokens_map.json",
    "chat_template.jinja",
    "generation_config.json",
    "vocab.json",
    "merges.txt",
)


def save_whole(checkpoint: Path, base: LocalModel, folder: Path) -> Path:
    """The model of a checkpoint in bfloat16, with the base's tokenizer and notes beside it."""
    model = _Models.from_pretrained(checkpoint, dtype=torch.bfloat16, local_files_only=True)
    unfinished = folder.with_name(f".{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.save_pretrained(unfinished)
    copy_beside(base, unfinished)
    os.replace(unfinished, folder)
    return folder


def copy_beside(base: LocalModel, folder: Path) -> None:
    """Put beside weights what belongs to a model: its tokenizer, and how it is spoken to.

    The latter may be known of the model's name alone, which the new folder does not have.
    """
    for pattern in _BESIDE:
        for file in base.folder.glob(pattern):
            shutil.copy2(file, folder / file.name)
    notes = {name: value for name in NOTES if (value := getattr(base, name)) is not None}
    write_atomically(folder / NOTES_FILE, json.dumps(notes, indent=2) + "\n")
