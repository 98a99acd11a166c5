"""What a run is to be like, as it is typed, and the options of the command that say so."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.errors import UsageError


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the form."""

    key: str
    label: str
    option: str
    hint: str
    """Shown while nothing is typed, which leaves the choice to the command."""


DATA = "data"
BASE = "base"
LENGTH = "length"
NAME = "name"
SETTINGS = (
    Setting(BASE, "Base", "--base", "starter"),
    Setting(DATA, "Data", "--data", "history, files, folders, owner/name"),
    Setting(NAME, "Name", "--name", "after base and data"),
    Setting("recipe", "Recipe", "--recipe", "default, guanaco, vicuna, alpaca-lora"),
    Setting("method", "Method", "--method", "lora, qlora or full: what fits"),
    Setting(LENGTH, "Length", "--max-length", "tokens of the longest sample: what fits"),
    Setting("epochs", "Epochs", "--epochs", "3; fewer on a small base"),
    Setting("steps", "Steps", "--max-steps", "by the epochs"),
    Setting("rank", "Rank", "--rank", "what fits"),
    Setting("rate", "Rate", "--learning-rate", "by the method"),
)


def arguments(typed: Mapping[str, str]) -> tuple[str, ...]:
    """The options for what is typed, by the keys of SETTINGS. Raises UsageError."""
    found = list[str]()
    for setting in SETTINGS:
        value = typed.get(setting.key, "").strip()
        values = sources(value) if setting.key == DATA else ((value,) if value else ())
        for one in values:
            found += (setting.option, one)
    return tuple(found)


def sources(typed: str) -> Sequence[str]:
    """The sources of data in a line, apart by spaces; quotation marks hold one together.

    Raises UsageError for a mark that is alone.
    """
    try:
        return tuple(shlex.split(typed))
    except ValueError as error:
        raise UsageError("data: a quotation mark stands alone") from error
