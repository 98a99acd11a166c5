"""Whether the user wants what happens in a file recorded, or the file read for others."""

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assistant.config import load_settings
from assistant.errors import UsageError
from assistant.paths import config_file
from assistant.secrets import is_secret

PROJECT_FILE = ".assistant.toml"
"""In a project's root; `record = false` in it turns the record off for everything below, and
`context = false` keeps its files out of what is sent for others."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What may be allowed."""

    name: str
    """Of the setting, in `config.toml` and in the project's file."""
    refused: str
    """What holds where it is not allowed."""


RECORD = Subject("record", "nothing is recorded")
CONTEXT = Subject("context", "no file is read for another")

_Stamp = tuple[int, int] | None


class Consent:
    """Asks the settings and the project's file, and reads each again only when it changed."""

    def __init__(self, on_problem: Callable[[str], None], subject: Subject = RECORD) -> None:
        """`on_problem` is told, once, of each file that cannot be understood."""
        self._on_problem = on_problem
        self._subject = subject
        self._settings: tuple[_Stamp, bool] | None = None
        self._projects: dict[Path, tuple[_Stamp, bool]] = {}
        self._told: set[str] = set()

    def allows(self, path: str) -> bool:
        """Whether it is allowed for a file; `path` is empty for what is no file.

        Nothing is where the settings or the project's file cannot be understood, and nothing ever
        in files of secrets. Raises nothing.
        """
        if is_secret(path) or not self._switched_on():
            return False
        return not path or self.project_allows(path)

    def project_allows(self, path: str) -> bool:
        """Whether the project of a file allows it, whatever the settings say. Raises nothing."""
        file = Path(os.path.abspath(path))
        for folder in file.parents:
            if (stamp := _stamp(project := folder / PROJECT_FILE)) is not None:
                return self._file_allows(project, stamp)
        return True

    def _switched_on(self) -> bool:
        stamp = _stamp(config_file())
        if self._settings is None or self._settings[0] != stamp:
            self._settings = stamp, self._read_settings()
        return self._settings[1]

    def _read_settings(self) -> bool:
        try:
            return bool(getattr(load_settings(), self._subject.name))
        except UsageError as error:
            self._tell(f"{self._subject.refused} until the settings are mended: {error}")
            return False

    def _file_allows(self, file: Path, stamp: _Stamp) -> bool:
        known = self._projects.get(file)
        if known is None or known[0] != stamp:
            known = self._projects[file] = stamp, self._read_project(file)
        return known[1]

    def _read_project(self, file: Path) -> bool:
        name, refused = self._subject.name, self._subject.refused
        try:
            allowed = tomllib.loads(file.read_text(encoding="utf-8")).get(name, True)
        except (OSError, ValueError) as error:
            self._tell(f"{refused} here, because {file} cannot be read: {error}")
            return False
        if not isinstance(allowed, bool):
            self._tell(f"{refused} here: {name} in {file} must be true or false")
            return False
        return allowed

    def _tell(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            self._on_problem(" ".join(problem.split()))


def _stamp(file: Path) -> _Stamp:
    """What changes when a file does; None where there is no such file."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
