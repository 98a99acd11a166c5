"""The definitions of projects, on disk: one SQLite file for all of them, its owner's alone.

All of it can be read anew from the projects, so a damaged file, or one of another version, is
simply thrown away. One process writes at a time and any number may read meanwhile.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from assistant.context.files import SourceFile
from assistant.paths import identity_of, state_dir
from assistant.syntax.definitions import Definition

Result = TypeVar("Result")

LOOSE = ""
"""The root of files that belong to no project; their paths are whole ones."""
_VERSION = 1
_PATIENCE_SECONDS = 5.0
_MOST_NAMED_ALIKE = 50
_MOST_VALUES = 400
_TABLES = """
    CREATE TABLE files (
        id INTEGER PRIMARY KEY,
        root TEXT NOT NULL,
        path TEXT NOT NULL,
        language TEXT NOT NULL,
        mtime_ns INTEGER NOT NULL,
        size INTEGER NOT NULL,
        UNIQUE (root, path)
    );
    CREATE TABLE definitions (
        file INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        container TEXT NOT NULL,
        signature TEXT NOT NULL,
        doc TEXT NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL
    );
    CREATE INDEX definitions_by_name ON definitions (name);
    CREATE INDEX definitions_by_file ON definitions (file);
"""
_COLUMNS = "name, kind, container, signature, doc, first, last"


def index_file() -> Path:
    """Where the index is kept."""
    return state_dir() / "symbols.sqlite"


@dataclass(frozen=True, slots=True)
class Found:
    """A definition, and the file that it stands in."""

    root: str
    path: str
    """Inside the root."""
    language: str
    definition: Definition


class SymbolIndex:
    """The index. Methods block; use one object in one thread.

    What cannot be read or written is as good as not there: nothing is raised, and the file is made
    anew where it is damaged.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Nothing is opened or made before something is written."""
        self.file = index_file() if file is None else file
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    # Writing ---------------------------------------------------------------------------------

    def put(self, root: str, file: SourceFile, definitions: Iterable[Definition]) -> None:
        """Know a file's definitions, instead of what was known of it."""
        rows = [
            (number, d.name, d.kind, d.container, d.signature, d.doc, d.first, d.last)
            for number, d in enumerate(definitions)
        ]
        key = (root, file.path)

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("DELETE FROM files WHERE root = ? AND path = ?", key)
                cursor = connection.execute(
                    "INSERT INTO files (root, path, language, mtime_ns, size)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (*key, file.language, file.mtime_ns, file.size),
                )
                connection.executemany(
                    "INSERT INTO definitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [(cursor.lastrowid, *row) for row in rows],
                )

        self._do(write, None, make=True)

    def forget(self, root: str, paths: Iterable[str]) -> None:
        """Know files no longer."""
        keys = [(root, path) for path in paths]

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany("DELETE FROM files WHERE root = ? AND path = ?", keys)

        self._do(write, None)

    def forget_roots(self, gone: Callable[[str], bool]) -> None:
        """Know nothing of the projects for which `gone` is true."""

        def write(connection: sqlite3.Connection) -> None:
            roots = [root for (root,) in connection.execute("SELECT DISTINCT root FROM files")]
            with connection:
                connection.executemany(
                    "DELETE FROM files WHERE root = ?", [(root,) for root in roots if gone(root)]
                )

        self._do(write, None)

    # Reading ---------------------------------------------------------------------------------

    def known(self, root: str) -> dict[str, tuple[int, int]]:
        """The files of a project by their paths inside it, each with its mtime and size."""

        def read(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
            rows = connection.execute(
                "SELECT path, mtime_ns, size FROM files WHERE root = ?", (root,)
            )
            return {path: (mtime_ns, size) for path, mtime_ns, size in rows}

        return self._do(read, {})

    def named(self, names: Sequence[str], roots: Sequence[str]) -> list[Found]:
        """The definitions of these names in these projects, in the order of their files.

        A name that stands for too much tells nothing, and is left out.
        """
        names = names[:_MOST_VALUES]
        where = f"d.name IN ({_marks(names)}) AND f.root IN ({_marks(roots)})"
        found = self._found(where, [*names, *roots])
        counts: dict[str, int] = {}
        for one in found:
            counts[one.definition.name] = counts.get(one.definition.name, 0) + 1
        return [one for one in found if counts[one.definition.name] <= _MOST_NAMED_ALIKE]

    def outline(self, root: str, path: str) -> list[Found]:
        """All definitions of a file, in their order."""
        return self._found("f.root = ? AND f.path = ?", [root, path])

    def _found(self, where: str, values: Sequence[str]) -> list[Found]:
        columns = ", ".join(f"d.{name}" for name in _COLUMNS.split(", "))

        def read(connection: sqlite3.Connection) -> list[Found]:
            rows = connection.execute(
                f"SELECT f.root, f.path, f.language, {columns} FROM definitions d"
                f" JOIN files f ON f.id = d.file WHERE {where}"
                " ORDER BY f.root, f.path, d.number",
                list(values),
            )
            return [
                Found(root, path, language, Definition(*definition))
                for root, path, language, *definition in rows
            ]

        return self._do(read, [])

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = self._identity = None

    # The file --------------------------------------------------------------------------------

    def _do(
        self, work: Callable[[sqlite3.Connection], Result], otherwise: Result, *, make: bool = False
    ) -> Result:
        """What `work` gives, or `otherwise` where there is no file and none is to be made."""
        for last in (False, True):
            try:
                if not make and not self.file.exists():
                    return otherwise
                return work(self._opened())
            except sqlite3.OperationalError:  # locked, or no room: another time
                self.close()
                return otherwise
            except sqlite3.DatabaseError:
                self._remove()
                if last:
                    return otherwise
            except (OSError, UnicodeError):  # also of a name that is no text
                self.close()
                return otherwise
        return otherwise

    def _opened(self) -> sqlite3.Connection:
        """The connection to the file that stands there now: another may have thrown it away."""
        if self._connection is None or self._identity != identity_of(self.file):
            self.close()
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.file, os.O_CREAT | os.O_RDWR, 0o600))
            self._identity = identity_of(self.file)
            self._connection = _connect(self.file)
        return self._connection

    def _remove(self) -> None:
        self.close()
        for end in ("", "-wal", "-shm"):
            with suppress(OSError):
                os.unlink(f"{self.file}{end}")


def _connect(file: Path) -> sqlite3.Connection:
    """Raises sqlite3.DatabaseError, also for a file of another version."""
    connection = sqlite3.connect(file, timeout=_PATIENCE_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")  # what a crash takes is read again
        connection.execute("PRAGMA foreign_keys = ON")
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            connection.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT"
            )
        elif version != _VERSION:
            raise sqlite3.DatabaseError("of another version")
    except BaseException:
        connection.close()
        raise
    return connection


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
