"""The files of a project that may be read: those that git would keep, and no secrets."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.secrets import is_secret
from assistant.syntax import languages
from assistant.syntax.file_names import language_of

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MOST_FILES = 20_000
LARGEST = 400_000
"""Bytes; what is larger was hardly written by a person."""
_NEVER = frozenset({".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__"})
_IGNORE_FILE = ".gitignore"
_LONG_LINE = 1_000
"""Bytes a line, on average over the beginning; minified code has more."""
_LOOKED_AT = 8_192


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that has definitions to be read, and what changes when it does."""

    path: str
    """Inside its root."""
    language: str
    mtime_ns: int
    size: int


def source_files(root: Path, wanted: frozenset[str] | None = None) -> Iterator[SourceFile]:
    """The files below `root` in a `wanted` language, so many at most; nothing is opened.

    `None` wants every language that has a grammar.
    Links are not followed. Without the package `pathspec` there are none: what the project ignores
    is not known then. Folders that cannot be read are passed over.
    """
    readable = frozenset(languages()) if wanted is None else wanted
    rules = _Rules.of(root)
    if rules is None:
        return
    count = 0
    for folder, names in _folders(root, rules):
        for name in names:
            path = f"{folder}{name}"
            language = language_of(name)
            if language not in readable or is_secret(path) or rules.ignores(path):
                continue
            try:
                status = (root / path).lstat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST:
                count += 1
                yield SourceFile(path, language, status.st_mtime_ns, status.st_size)
            if count >= MOST_FILES:
                return


def read_source(path: Path) -> str | None:
    """The text of a file, or None for one that is no text, was generated, or cannot be read."""
    if is_secret(path):
        return None
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError:
        return None
    if len(data) > LARGEST or b"\0" in data[:_LOOKED_AT]:
        return None
    text = data.decode("utf-8", "replace")
    return None if is_generated(text) else text


def is_kept(root: Path, path: str) -> bool:
    """Whether git would keep the file at `path` inside `root`, and so it may be read."""
    rules = _Rules.of(root)
    if rules is None:
        return False
    parts = path.split("/")
    folders = ["".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts))]
    for folder in folders:
        rules.enter(root, folder)
    if _NEVER.intersection(parts[:-1]):
        return False
    return not any(rules.ignores(folder) for folder in folders[1:]) and not rules.ignores(path)


def is_generated(text: str) -> bool:
    """Whether the text is minified, by the length of its lines."""
    beginning = text[:_LOOKED_AT]
    return len(beginning) > _LONG_LINE * (beginning.count("\n") + 1)


def is_project(root: Path) -> bool:
    """Whether a folder may be read whole: not a home folder, nor what is above one."""
    home = Path.home()
    return root.is_dir() and root != home and root not in home.parents


def _folders(root: Path, rules: "_Rules") -> Iterator[tuple[str, list[str]]]:
    """Each folder with the names in it; folders are named inside the root, and end in `/`."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        rules.enter(root, folder)
        files: list[str] = []
        inner: list[str] = []
        try:
            with os.scandir(root / folder) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if entry.is_symlink():
                        continue
                    (inner if entry.is_dir() else files).append(entry.name)
        except OSError:
            continue
        yield folder, files
        waiting.extend(
            f"{folder}{name}/"
            for name in reversed(inner)
            if name not in _NEVER and not rules.ignores(f"{folder}{name}/")
        )


class _Rules:
    """What git ignores: `.gitignore` in every folder, and the repository's own list."""

    def __init__(self, everywhere: "GitIgnoreSpec") -> None:
        self._everywhere = everywhere
        self._of: dict[str, GitIgnoreSpec] = {}

    @classmethod
    def of(cls, root: Path) -> "_Rules | None":
        try:
            from pathspec import GitIgnoreSpec
        except ImportError:
            return None
        return cls(GitIgnoreSpec.from_lines(_lines(root / ".git" / "info" / "exclude")))

    def enter(self, root: Path, folder: str) -> None:
        """Read the rules of a folder."""
        from pathspec import GitIgnoreSpec

        if lines := _lines(root / folder / _IGNORE_FILE):
            self._of[folder] = GitIgnoreSpec.from_lines(lines)

    def ignores(self, path: str) -> bool:
        """Whether a file, or a folder with `/` at its end, is ignored. The nearest rule counts."""
        folder = path.rstrip("/")
        while folder:
            folder = folder.rpartition("/")[0]
            own = f"{folder}/" if folder else ""
            if (spec := self._of.get(own)) is not None:
                found = spec.check_file(path[len(own) :]).include
                if found is not None:
                    return found
        return bool(self._everywhere.check_file(path).include)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
