"""The adapter of the settings: two lines of `config.toml`, all others stay as they are."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from assistant import paths
from assistant.errors import UsageError
from assistant_finetune.adapters.installed import Installed


def in_use() -> str | None:
    """The name of the adapter that the settings name; None for none, or one from elsewhere."""
    adapter = _settings(_text()).get("adapter")
    if not isinstance(adapter, str):
        return None
    folder = Path(adapter).expanduser().absolute()
    return folder.name if folder.parent == paths.adapters_dir().absolute() else None


def use(adapter: Installed) -> None:
    """Make an adapter and its base what front ends ask for. Raises UsageError."""
    if not adapter.base:
        raise UsageError(f"{adapter.name} does not say what base it is for: set both by hand")
    _write({"model": adapter.base, "adapter": str(adapter.folder)})


def use_none() -> None:
    """Let front ends ask for the base alone. Raises UsageError."""
    _write({"adapter": None})


def _write(changes: dict[str, str | None]) -> None:
    """Change top-level keys of the settings' file, or add them before its first table."""
    lines = _text().splitlines()
    first_table = next((n for n, line in enumerate(lines) if re.match(r"\s*\[", line)), len(lines))
    top, rest = lines[:first_table], lines[first_table:]
    keys = "|".join(changes)
    top = [line for line in top if not re.match(rf"\s*({keys})\s*=", line)]
    while top and not top[-1].strip():
        top.pop()
    added = [
        f"{name} = {json.dumps(value, ensure_ascii=False)}"
        for name, value in changes.items()
        if value is not None
    ]
    gap = [""] if rest else []
    text = "\n".join([*top, *added, *gap, *rest]) + "\n"
    found = _settings(text)
    if any(found.get(name) != value for name, value in changes.items()):
        raise UsageError(f"{paths.config_file()} is written in a way of its own: change it by hand")
    paths.write_atomically(paths.config_file(), text, mode=0o600)


def _text() -> str:
    file = paths.config_file()
    return file.read_text("utf-8") if file.exists() else ""


def _settings(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise UsageError(f"{paths.config_file()} is no TOML: {error}") from error
