"""Where the weights that a model's name means stand on this machine.

`models.toml` lists the models that are known by name (see `model_specs`). Any folder that holds a
model in the form that transformers saves is a model too, by its path.

A model may be known in two variants: `full` weights, and `gptq`, quantized to 4 bits. The name
alone (`vicuna-13b`) means the full weights where they are on this machine and otherwise the
quantized ones; `vicuna-13b-gptq` means the quantized ones.
"""

import difflib
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assistant import paths
from assistant.errors import ModelFolderError, ModelNotFoundError, UsageError
from assistant.model_specs import (
    NO_FIM,
    Kind,
    ModelSpec,
    Variant,
    download_bytes,
    load_registry,
)
from assistant.prompts import CHAT_FORMATS, FIM_FORMATS, TEMPLATE, Wording

__all__ = [
    "NO_FIM",
    "PARTIAL",
    "STARTER",
    "Kind",
    "LocalAdapter",
    "LocalModel",
    "ModelSpec",
    "Variant",
    "adapter_named",
    "adapters",
    "download_bytes",
    "find_spec",
    "folder_of",
    "free_bytes",
    "gigabytes",
    "installed",
    "interrupted",
    "load_registry",
    "locate",
]

STARTER = "starter"
"""The model that is part of this package."""
NOTES_FILE = "assistant.json"
"""In a model's folder: its NOTES, as far as it says."""
NOTES = ("chat_format", "fim_format", "wording", "context")
"""Fields of `LocalModel`."""
PARTIAL = ".partial"
"""Ends the name of a folder that is still being downloaded."""
ADAPTER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What an adapter may be called: never a path."""
_GPTQ = "-gptq"
_PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class LocalModel:
    """Weights that are on this machine."""

    name: str
    folder: Path
    adapter: Path | None = None
    chat_format: str | None = None
    """A name in CHAT_FORMATS, `template`, or None to find out from the tokenizer."""
    fim_format: str | None = None
    """A name in FIM_FORMATS, `none`, or None to find out from the vocabulary."""
    wording: str = "full"
    context: int | None = None
    """None for what the folder's config.json says."""


@dataclass(frozen=True, slots=True)
class LocalAdapter:
    """A LoRA adapter in the adapters folder, chosen by its name."""

    name: str
    folder: Path
    base: str
    """The base model that it names: by a name, a folder or the model hub's name; may be empty."""

    def is_for(self, model: str) -> bool:
        """Whether it may belong to the model of that name; its tensors have the last word."""
        plain = model.removesuffix(_GPTQ)
        spec = load_registry().get(plain)
        names = {model, plain} | ({spec.repository, spec.gptq_repository} if spec else set())
        return not self.base or self.base in names or Path(self.base).name in names


def locate(name_or_path: str, adapter: str | None = None) -> LocalModel:
    """The weights that a name or a path means, with the adapter in the folder `adapter`.

    Raises ModelNotFoundError when they are not on this machine and ModelFolderError when the
    folder holds something else.
    """
    local = _at_path(name_or_path) if _is_path(name_or_path) else _by_name(name_or_path)
    if adapter is None:
        return local
    if local.adapter is not None:
        raise UsageError(f"{local.name} is an adapter already: choose its base model instead")
    return replace(local, adapter=_adapter_folder(adapter))


def find_spec(name: str) -> tuple[ModelSpec, Variant | None]:
    """The model of a name, and the variant where the name says one.

    Raises ModelNotFoundError with similar names when there is none.
    """
    registry = load_registry()
    if name in registry:
        return registry[name], None
    plain = name.removesuffix(_GPTQ)
    if plain in registry:
        if registry[plain].gptq_repository is None:
            raise ModelNotFoundError(f"{plain} is not known in a GPTQ variant: leave out {_GPTQ}")
        return registry[plain], "gptq"
    known = sorted({*registry, *installed()})
    similar = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.6)
    hint = f": did you mean {' or '.join(similar)}?" if similar else "."
    raise ModelNotFoundError(f"no model is called {name}{hint} `assistant models list` shows all")


def installed() -> dict[str, list[Variant]]:
    """The models on this machine by name, those in the models folder and the starter."""
    found: dict[str, list[Variant]] = {}
    if _is_model(_PACKAGE / STARTER):
        found[STARTER] = ["full"]
    for folder in sorted(paths.models_dir().glob("*")):
        if folder.name.endswith(PARTIAL) or not (_is_model(folder) or _is_adapter(folder)):
            continue
        plain = folder.name.removesuffix(_GPTQ)
        known_gptq = plain != folder.name and plain in load_registry()
        if known_gptq:
            found.setdefault(plain, []).append("gptq")
        else:
            found.setdefault(folder.name, []).append("full")
    return found


def interrupted() -> dict[str, list[Variant]]:
    """The models of which a pull has left something that the next one goes on with, by name."""
    found: dict[str, list[Variant]] = {}
    for spec in load_registry().values():
        for variant in spec.variants:
            final = folder_of(spec.name, variant)
            if final.with_name(final.name + PARTIAL).is_dir():
                found.setdefault(spec.name, []).append(variant)
    return found


def adapters() -> list[LocalAdapter]:
    """The adapters in the adapters folder, by name; folders that hold none are passed over."""
    found = []
    for folder in sorted(paths.adapters_dir().glob("*")):
        try:
            found.append(adapter_named(folder.name))
        except ModelNotFoundError:
            continue
    return found


def adapter_named(name: str) -> LocalAdapter:
    """The adapter of that name. Raises ModelNotFoundError when there is none.

    What is no name, such as a path, is refused before the disk is looked at.
    """
    proper = ADAPTER_NAME.fullmatch(name) and not name.endswith(PARTIAL)
    folder = paths.adapters_dir() / name
    if not proper or not _is_adapter(folder):
        raise ModelNotFoundError(f"there is no adapter of that name in {paths.adapters_dir()}")
    try:
        config = json.loads((folder / "adapter_config.json").read_text("utf-8"))
        base = config.get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelNotFoundError(f"{folder} holds no adapter that can be read") from error
    return LocalAdapter(name, folder, base if isinstance(base, str) else "")


def folder_of(name: str, variant: Variant) -> Path:
    """Where the weights of a model by that name stand once they are pulled."""
    return paths.models_dir() / (name + _GPTQ if variant == "gptq" else name)


def free_bytes() -> int:
    """Free space where models are kept."""
    folder = paths.models_dir()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def gigabytes(count: int) -> str:
    """A number of bytes as people read it."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _by_name(name: str) -> LocalModel:
    if name == STARTER:
        return _starter()
    own = paths.models_dir() / name
    known = not {name, name.removesuffix(_GPTQ)}.isdisjoint(load_registry())
    if not known and not name.endswith(PARTIAL) and _is_model(own):
        return _with_notes(LocalModel(name, own))
    spec, variant = find_spec(name)
    local = LocalModel(
        name,
        folder_of(spec.name, "full"),
        chat_format=spec.chat_format,
        fim_format=spec.fim_format,
        wording=spec.wording,
        context=spec.context,
    )
    if variant is None and spec.base is not None and _is_adapter(local.folder):
        base = _by_name(spec.base)
        return _with_notes(replace(local, folder=base.folder, adapter=local.folder))
    if variant is None and spec.base is None and _is_model(local.folder):
        return _with_notes(local)
    quantized = folder_of(spec.name, "gptq")
    if _is_model(quantized):
        return _with_notes(replace(local, folder=quantized))
    raise ModelNotFoundError(_not_here(name, spec, variant))


def _not_here(name: str, spec: ModelSpec, variant: Variant | None) -> str:
    size = download_bytes(spec, variant or spec.variants[0])
    free = free_bytes()
    fits = "" if size < free else ", too few: free some or set ASSISTANT_HOME to a larger disk"
    return (
        f"{name} is not on this machine. `assistant models pull {name}` downloads it:"
        f" about {gigabytes(size)}, with {gigabytes(free)} free{fits}"
    )


def _starter() -> LocalModel:
    folder = _PACKAGE / STARTER
    if not _is_model(folder):
        raise ModelNotFoundError(
            "the starter model is missing from this installation: reinstall `assistant`"
        )
    return _with_notes(LocalModel(STARTER, folder, None, STARTER, STARTER, Wording.BRIEF.value))


def _is_path(name: str) -> bool:
    return "/" in name or os.sep in name or name.startswith(("~", "."))


def _at_path(path: str) -> LocalModel:
    folder = Path(path).expanduser().absolute()
    if _is_model(folder):
        return _with_notes(LocalModel(folder.name, folder))
    if _is_adapter(folder):
        raise ModelFolderError(
            f"{path} is an adapter: choose its base model, and this folder as the adapter"
        )
    if folder.is_dir():
        raise ModelFolderError(f"{path} holds no model: it has no config.json")
    raise ModelNotFoundError(
        f"there is no folder {path}: `assistant models list` shows the models known by name"
    )


def _adapter_folder(path: str) -> Path:
    folder = Path(path).expanduser().absolute()
    if _is_adapter(folder):
        return folder
    if folder.is_dir():
        raise ModelFolderError(f"{path} holds no adapter: it has no adapter_config.json")
    raise ModelNotFoundError(f"there is no adapter folder {path}")


def _is_model(folder: Path) -> bool:
    return (folder / "config.json").is_file()


def _is_adapter(folder: Path) -> bool:
    return (folder / "adapter_config.json").is_file() and not _is_model(folder)


def _with_notes(local: LocalModel) -> LocalModel:
    """With what the folder's own notes say, which knows better than the registry."""
    file = local.folder / NOTES_FILE
    if not file.is_file():
        return local
    try:
        notes = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"{file} cannot be read: {error}") from error
    if not isinstance(notes, dict):
        raise ModelFolderError(f"{file} must hold a JSON object")
    if problems := _note_problems(notes):
        raise ModelFolderError(f"{file}: " + "; ".join(problems))
    return replace(local, **notes)


def _note_problems(notes: Mapping[str, Any]) -> list[str]:
    choices = {
        "chat_format": (None, TEMPLATE, *CHAT_FORMATS),
        "fim_format": (None, NO_FIM, *FIM_FORMATS),
        "wording": tuple(wording.value for wording in Wording),
    }
    problems = [f"{key} is unknown" for key in notes if key not in (*choices, "context")]
    for key, allowed in choices.items():
        if key in notes and notes[key] not in allowed:
            names = ", ".join(name for name in allowed if name is not None)
            problems.append(f"{key} is {notes[key]!r}, it must be one of {names}")
    context = notes.get("context")
    if context is not None and (type(context) is not int or context < 1):
        problems.append(f"context is {context!r}, it must be a number of tokens")
    return problems
