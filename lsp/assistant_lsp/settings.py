"""What the user sets in the editor, below `assistant`."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from assistant.context.budget import MOST_CHARACTERS

SECTION = "assistant"


class _Section(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, extra="ignore", strict=True)


class CompletionSettings(_Section):
    """Below `assistant.completion`."""

    enabled: bool = True
    max_tokens: int = Field(default=64, ge=1, le=1024)
    max_lines: int = Field(default=8, ge=1, le=100)
    disabled_languages: list[str] = []
    """Names of languages, as the editor says them, in which nothing is suggested."""
    disabled_folders: list[str] = []
    """Patterns of paths, such as `/home/me/secret*`, in and below which nothing is suggested."""
    candidates: int = Field(default=3, ge=1, le=5)
    """How many different suggestions a request by hand gets."""
    budget_ms: int = Field(default=300, ge=0, le=60_000)
    """After so long, what is there of a suggestion is shown as soon as it is a whole line."""
    ahead: bool = True
    """Whether the model goes on behind a suggestion while it is read, as if it were accepted."""


class ContextSettings(_Section):
    """Below `assistant.context`."""

    enabled: bool = True
    """Whether a completion is given pieces of other files to read."""
    max_characters: int = Field(default=MOST_CHARACTERS, ge=0, le=100_000)
    """How long they may be together."""
    disabled_folders: list[str] = []
    """Patterns of paths in and below which no file is read for another, nor given others."""


class ActionSettings(_Section):
    """Below `assistant.actions`."""

    preview: bool = True
    """Whether the editor is to show an edit to the user before it makes it, if it can."""


class EditorSettings(_Section):
    """Below `assistant`."""

    model: Annotated[str | None, BeforeValidator(lambda name: name or None)] = None
    """Instead of the model in `config.toml`."""
    completion: CompletionSettings = CompletionSettings()
    context: ContextSettings = ContextSettings()
    actions: ActionSettings = ActionSettings()

    def suggests_in(self, language: str, path: str) -> bool:
        """Whether completion is on for a file in a language; `path` is empty for what is none."""
        chosen = self.completion
        if not chosen.enabled or language in chosen.disabled_languages:
            return False
        return not _is_in(path, tuple(chosen.disabled_folders))

    def reads_in(self, path: str) -> bool:
        """Whether a file may be read for others, and be given others to read.

        Where nothing is suggested, nothing is read either.
        """
        folders = (*self.completion.disabled_folders, *self.context.disabled_folders)
        return self.context.enabled and not _is_in(path, folders)


@lru_cache
def _is_in(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path, or a folder above it, is one of `patterns`."""
    places = (PurePath(path), *PurePath(path).parents) if path else ()
    return any(
        fnmatchcase(str(place), pattern.rstrip("/") or "/")
        for place in places
        for pattern in patterns
    )


def read_settings(sent: object) -> tuple[EditorSettings, list[str]]:
    """The settings an editor sent, and what was wrong with them; the wrong ones are defaults.

    Both `{"assistant": {...}}` and what stands inside are understood. What is not known is left
    alone: editors keep settings of their own clients in the same place.
    """
    section = sent.get(SECTION, sent) if isinstance(sent, Mapping) else sent
    if section is None or section == []:
        return EditorSettings(), []
    if not isinstance(section, Mapping):
        return EditorSettings(), [f"{SECTION} must be a table of settings"]
    given = _without_nulls(section)
    try:
        return EditorSettings.model_validate(given), []
    except ValidationError as error:
        problems = []
        for problem in error.errors(include_url=False):
            names = [name for name in problem["loc"] if isinstance(name, str)]
            problems.append(f"{'.'.join([SECTION, *names])}: {problem['msg']}")
            _drop(given, names)
        return EditorSettings.model_validate(given), problems


def _without_nulls(section: Mapping[str, Any]) -> dict[str, Any]:
    """Editors send null for a setting that is not set, and Neovim [] for an empty table."""
    return {
        name: _without_nulls(value) if isinstance(value, Mapping) else value
        for name, value in section.items()
        if value is not None and value != []
    }


def _drop(section: dict[str, Any], names: list[str]) -> None:
    *tables, last = names
    for name in tables:
        section = section.get(name, {})
    section.pop(last, None)
