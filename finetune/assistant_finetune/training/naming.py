"""What an adapter is called, and what it calls its base."""

import os
import re
from pathlib import Path

from assistant import paths
from assistant.errors import ModelNotFoundError, UsageError
from assistant.registry import LocalModel, adapter_named
from assistant_finetune.training.run_folder import RunFolder
from assistant_finetune.training.settings import Settings


def free_name(settings: Settings) -> str:
    """A name after the base and the data, which no run and no adapter has."""
    words = [Path(settings.base).name, *(Path(name).name for name in settings.data[:1])]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(words)).strip("-.")[:80] or "run"
    name, number = plain, 1
    while RunFolder(name).path.exists() or (paths.adapters_dir() / name).exists():
        number += 1
        name = f"{plain}-{number}"
    return name


def trains_again(name: str, settings: Settings, local: LocalModel) -> bool:
    """Whether there is an adapter of that name, for the same base.

    Raises UsageError where there is one that a new one could not take the place of.
    """
    try:
        present = adapter_named(name)
    except ModelNotFoundError:
        return False
    if settings.method == "full" or present.base != base_name(settings, local):
        raise UsageError(
            f"there is an adapter called {name} already, on {present.base or 'an unknown base'}: "
            "choose another --name"
        )
    return True


def base_name(settings: Settings, local: LocalModel) -> str:
    """What an adapter calls its base: as the user does, and a folder by its whole path."""
    return str(local.folder) if os.sep in settings.base else settings.base
