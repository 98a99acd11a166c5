"""What an adapter was trained on, kept beside it, and whether that is what it meets now.

Adapters from elsewhere bring no such note: for them the shapes of their matrices have to do.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from assistant.engine.folder import read_json
from assistant.errors import ModelFolderError
from assistant.paths import write_atomically
from assistant.prompts import Renderer
from assistant.prompts.fingerprint import format_fingerprint

NOTE_FILE = "trained.json"
_ROWS = 16
_LEAST = 1e-3
"""Smaller numbers may be rounded differently in files of another type."""


@dataclass(frozen=True, slots=True)
class TrainedFor:
    """What must be the same where the adapter is used."""

    base: str
    """The base model's name, for people."""
    base_fingerprint: str
    chat_format: str
    """The chat format's name, for people."""
    format_fingerprint: str


def trained_for(base: str, model: Any, renderer: Renderer) -> TrainedFor:
    """What an adapter of this model, which was loaded, is for."""
    fmt = renderer.chat_format
    named = fmt.name if fmt is not None else ("template" if renderer.can_chat else "none")
    return TrainedFor(base, base_fingerprint(model), str(named), format_fingerprint(renderer))


def base_fingerprint(model: Any) -> str:
    """The fingerprint of a model's weights, the same for its 16-bit and its quantized forms.

    It is taken of some rows of the embeddings and of the last norm, which are never quantized,
    rounded to bfloat16.
    """
    table = model.get_input_embeddings().weight
    chosen = torch.linspace(0, table.shape[0] - 1, _ROWS).long()
    backbone = model.get_decoder() if hasattr(model, "get_decoder") else model.base_model
    norm = getattr(backbone, "norm", None)
    parts = [table.detach()[chosen.to(table.device)].reshape(-1)]
    if norm is not None:
        parts.append(norm.weight.detach().reshape(-1).to(table.device))
    digest = hashlib.sha256(f"{tuple(table.shape)}".encode())
    for part in parts:
        rounded = part.to(torch.bfloat16).float()
        kept = torch.where(rounded.abs() >= _LEAST, rounded, torch.zeros_like(rounded))
        digest.update(kept.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def write_note(folder: Path, found: TrainedFor, **more: Any) -> None:
    """Put the note beside an adapter, with `more` about its training for people to read."""
    fields = {**asdict(found), **more}
    write_atomically(folder / NOTE_FILE, json.dumps(fields, ensure_ascii=False, indent=2) + "\n")


def check_note(folder: Path, model: Any, renderer: Renderer) -> None:
    """Compare an adapter's note, where it has one, with the model it would be used on.

    Raises ModelFolderError that says what differs: the base, or the chat format.
    """
    if not (folder / NOTE_FILE).is_file():
        return
    note = read_json(folder / NOTE_FILE)
    if note.get("base_fingerprint") not in (None, base_fingerprint(model)):
        raise ModelFolderError(
            f"the adapter {folder} was trained on other weights than these: on {note.get('base')}"
        )
    if note.get("format_fingerprint") not in (None, format_fingerprint(renderer)):
        raise ModelFolderError(
            f"the adapter {folder} was trained with another chat format or vocabulary "
            f"({note.get('chat_format')}) than this model is used with now"
        )
