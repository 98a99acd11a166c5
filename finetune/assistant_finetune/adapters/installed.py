"""The adapters in the adapters folder, with what is noted of their training."""

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ModelNotFoundError, UsageError
from assistant.paths import adapters_dir
from assistant.registry import LocalAdapter, adapter_named, adapters
from assistant_finetune.adapters.versions import former, note_of
from assistant_finetune.training.run_folder import runs_of


@dataclass(frozen=True, slots=True)
class Installed:
    """An adapter that servers find by its name."""

    name: str
    folder: Path
    base: str
    """The base's name or folder; may be empty where an adapter from elsewhere says none."""
    quantization: str | None
    """What it was trained on: `nf4`, `gptq` or `none`; None where nothing is noted."""
    examples: int | None
    run: str
    """The run that made it; that of its own name where nothing is noted."""
    has_former: bool
    """Whether there is a former one of its name that can be brought back."""
    nbytes: int


def installed() -> list[Installed]:
    """All of them, by name."""
    return [_described(one) for one in adapters()]


def find(name: str) -> Installed:
    """The one of that name. Raises ModelNotFoundError that names those there are."""
    try:
        return _described(adapter_named(name))
    except ModelNotFoundError as error:
        known = ", ".join(one.name for one in adapters()) or "none"
        raise ModelNotFoundError(f"there is no adapter {name}: there are {known}") from error


def remove(name: str, used: str | None) -> int:
    """Delete an adapter, the former one of its name, and the runs that made them.

    Returns the bytes that are freed. `used` is the name of the one that the settings name. Raises
    UsageError for that, and where a run of its name is under way, and ModelNotFoundError.
    """
    adapter = find(name)
    if adapter.name == used:
        raise UsageError(f"{name} is in use: say `assistant adapters use --none` first")
    runs = runs_of(name)
    with ExitStack() as stack:
        for run in runs:
            stack.enter_context(run.locked())
        folders = [adapter.folder, former(name), *(run.path for run in runs)]
        freed = sum(_size(folder) for folder in folders)
        for folder in filter(Path.exists, folders):
            shutil.rmtree(folder)
    return freed


def drop_old_runs(name: str) -> None:
    """Delete the runs that made neither the adapter of that name nor the former one."""
    folders = filter(Path.is_dir, (adapters_dir() / name, former(name)))
    made = {_run_of(folder) for folder in folders}
    for run in runs_of(name):
        if run.name not in made and run.result is not None:
            shutil.rmtree(run.path)


def _described(local: LocalAdapter) -> Installed:
    note = note_of(local.folder)
    return Installed(
        name=local.name,
        folder=local.folder,
        base=local.base,
        quantization=note.get("quantization"),
        examples=note.get("examples"),
        run=_run_of(local.folder),
        has_former=former(local.name).is_dir(),
        nbytes=_size(local.folder),
    )


def _run_of(folder: Path) -> str:
    """The run that made the adapter in a folder: the first of its name, where it names no other."""
    named = note_of(folder).get("run")
    return next((run.name for run in runs_of(folder.name) if run.name == named), folder.name)


def _size(folder: Path) -> int:
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())
