"""Settings by name, from a TOML file, and from flags, one over the other."""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.errors import UsageError
from assistant_finetune.training.settings import Settings, check

DEFAULT = "default"
_FOLDER = Path(__file__).with_name("recipes")


def recipe_names() -> list[str]:
    """The recipes there are."""
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


def read_settings(
    flags: Mapping[str, Any], *, recipe: str | None = None, file: Path | None = None
) -> Settings:
    """The settings of a recipe, with a file's over them, and flags over both.

    A file may name its `recipe`. Raises UsageError that names all that is wrong.
    """
    written = _read(file) if file is not None else {}
    named = written.pop("recipe", None)
    chosen = recipe or (str(named) if named is not None else DEFAULT)
    fields = {**_recipe(chosen), **written, **flags}
    return check(fields, str(file) if file is not None else "settings")


def _recipe(name: str) -> dict[str, Any]:
    if name not in recipe_names():
        near = difflib.get_close_matches(name, recipe_names(), n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise UsageError(f"no recipe is called {name}{hint}; there are {', '.join(recipe_names())}")
    return _read(_FOLDER / f"{name}.toml")


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{file} is no TOML: {error}") from error
