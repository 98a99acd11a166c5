"""Where the tests of a source file are, or would be, by the habits of its language and project.

Found by looking at the disk: at the folders that could hold them, and at what lies there.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath

_FOLDERS = ("tests", "test", "__tests__", "spec")
_ROOT_MARKS = (".git", "pyproject.toml", "package.json", "go.mod", "Cargo.toml", "pom.xml")
_MOST_ENTRIES = 1_000
"""Files of a folder that say enough of its habits."""
_STEM = "*"
_CAMEL = ("*Test{}", "*Tests{}")
_SCRIPT = ("*.test{}", "*.spec{}")
_ANY = ("test_*{}", "*_test{}", "*.test{}")
_HABITS = {
    "python": ("test_*{}", "*_test{}"),
    "go": ("*_test{}",),
    "java": _CAMEL,
    "kotlin": _CAMEL,
    "scala": _CAMEL,
    "swift": ("*Tests{}",),
    "csharp": ("*Tests{}", "*Test{}"),
    "php": ("*Test{}",),
    "ruby": ("*_spec{}", "*_test{}", "test_*{}"),
    "lua": ("*_spec{}", "test_*{}"),
    "rust": ("*_test{}", "*_tests{}", "test_*{}"),
    "javascript": _SCRIPT,
    "javascriptreact": _SCRIPT,
    "typescript": _SCRIPT,
    "typescriptreact": _SCRIPT,
}
"""How files of tests are called; the star is the name of what they test, the rest its ending."""
_BESIDE = ("go",)
"""Languages whose tests stand beside what they test, and nowhere else."""
_TEST_NAME = re.compile(r"(?:^test_|[._]test\.|[._]spec\.|_tests?\.|[A-Za-z0-9]Tests?\.)")


@dataclass(frozen=True, slots=True)
class FileForTests:
    """A file of tests, or a place for one."""

    path: Path
    exists: bool


def is_test(path: str) -> bool:
    """Whether a path is that of a file of tests, by its name alone."""
    return _TEST_NAME.search(PurePath(path).name) is not None


def file_for_tests(path: str, language: str, root: str) -> FileForTests:
    """The file for tests of `path`, below `root` or, where that is empty, below its project.

    It reads folders, and raises nothing: what cannot be read holds nothing.
    """
    source = Path(path)
    top = Path(root) if root else _project_of(source)
    habits = [habit.format(source.suffix) for habit in _HABITS.get(language, _ANY)]
    stem = source.parent.name if source.stem in ("__init__", "mod", "index") else source.stem
    folders = [source.parent] if language in _BESIDE else list(_folders(source.parent, top))
    for folder in folders:
        for habit in habits:
            if (found := folder / habit.replace(_STEM, stem)).is_file():
                return FileForTests(found, exists=True)
    folder, habit = _usual(folders, habits)
    return FileForTests(folder / habit.replace(_STEM, stem), exists=False)


def _folders(beside: Path, top: Path) -> Iterator[Path]:
    """The folders that there are for tests, the nearest first.

    A folder of tests is laid out as what it tests, or so from one of the levels on.
    """
    yield beside
    for above in (beside, *beside.parents):
        if not above.is_relative_to(top):
            break
        parts = beside.relative_to(above).parts
        tests = [above / name for name in _FOLDERS if (above / name).is_dir()]
        if "main" in parts:  # src/main/java and src/test/java
            at = parts.index("main")
            tests.append(above.joinpath(*parts[:at], "test", *parts[at + 1 :]))
        for folder in tests:
            for skipped in range(len(parts) + 1):
                if (mirrored := folder.joinpath(*parts[skipped:])).is_dir():
                    yield mirrored


def _usual(folders: list[Path], habits: list[str]) -> tuple[Path, str]:
    """Where tests lie that there are already, and how they are called; or the best guess."""
    for folder in folders:
        counted = Counter(
            habit for name in _names(folder) for habit in habits if _fits(name, habit)
        )
        if counted:
            return folder, counted.most_common(1)[0][0]
    # A folder for tests that holds none yet, or else beside the source.
    return next(iter(folders[1:]), folders[0]), habits[0]


def _fits(name: str, habit: str) -> bool:
    begin, _, end = habit.partition(_STEM)
    return len(name) > len(habit) - 1 and name.startswith(begin) and name.endswith(end)


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in islice(entries, _MOST_ENTRIES)]
    except OSError:
        return []


def _project_of(source: Path) -> Path:
    for folder in source.parents:
        if any((folder / mark).exists() for mark in _ROOT_MARKS):
            return folder
    return source.parent
