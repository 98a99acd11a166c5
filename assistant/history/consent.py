"""Whether the user wants what happens in a file to be recorded."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

from assistant.config import load_settings
from assistant.errors import UsageError
from assistant.paths import config_file
from assistant.secrets import is_secret

PROJECT_FILE = ".assistant.toml"
"""In a project's root; `record = false` in it turns the record off for everything below."""

_Stamp = tuple[int, int] | None


class Consent:
    """Asks the settings and the project's file, and reads each again only when it changed."""

    def __init__(self, on_problem: Callable[[str], None]) -> None:
        """`on_problem` is told, once, of each file that cannot be understood."""
        self._on_problem = on_problem
        self._settings: tuple[_Stamp, bool] | None = None
        self._projects: dict[Path, tuple[_Stamp, bool]] = {}
        self._told: set[str] = set()

    def allows(self, path: str) -> bool:
        """Whether what happens in a file may be recorded; `path` is empty for what is no file.

        Nothing is where the settings or the project's file cannot be understood, and nothing ever
        in files of secrets. Raises nothing.
        """
        if is_secret(path) or not self._switched_on():
            return False
        if not path:
            return True
        file = Path(os.path.abspath(path))
        for folder in file.parents:
            if (stamp := _stamp(project := folder / PROJECT_FILE)) is not None:
                return self._project_allows(project, stamp)
        return True

    def _switched_on(self) -> bool:
        stamp = _stamp(config_file())
        if self._settings is None or self._settings[0] != stamp:
            self._settings = stamp, self._read_settings()
        return self._settings[1]

    def _read_settings(self) -> bool:
        try:
            return load_settings().record
        except UsageError as error:
            self._tell(f"nothing is recorded until the settings are mended: {error}")
            return False

    def _project_allows(self, file: Path, stamp: _Stamp) -> bool:
        known = self._projects.get(file)
        if known is None or known[0] != stamp:
            known = self._projects[file] = stamp, self._read_project(file)
        return known[1]

    def _read_project(self, file: Path) -> bool:
        try:
            record = tomllib.loads(file.read_text(encoding="utf-8")).get("record", True)
        except (OSError, ValueError) as error:
            self._tell(f"nothing is recorded here, because {file} cannot be read: {error}")
            return False
        if not isinstance(record, bool):
            self._tell(f"nothing is recorded here: record in {file} must be true or false")
            return False
        return record

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
