"""The record's file: SQLite, readable by its owner alone, written before it is said to be done."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from assistant.errors import AssistantError
from assistant.history.schema import MIGRATIONS
from assistant.paths import data_dir, identity_of

Result = TypeVar("Result")

_PATIENCE_SECONDS = 10.0
"""How long to wait for others that write."""
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BESIDE = ("", "-wal", "-shm")


class HistoryError(AssistantError):
    """The record cannot be read or written."""


class DamagedHistoryError(HistoryError):
    """The record was damaged and is moved aside: what is tried again begins a new one."""


def history_file() -> Path:
    """Where the record is kept."""
    return data_dir() / "history.sqlite"


class Database:
    """One connection to the record's file. Methods block; use one object in one thread.

    What a method wrote is on the disk when it returns, and several processes may write at once.
    All methods raise HistoryError where the file cannot be used, and DamagedHistoryError, once,
    where it was damaged and has been moved aside.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Nothing is opened or made before it is needed."""
        self.file = history_file() if file is None else file
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = self._identity = None

    def _write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        with self._errors():
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

    def _empty_log(self) -> None:
        """What was deleted still stands in the log of changes, until that is emptied."""
        with self._errors():
            busy, *_ = self._opened().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise HistoryError(
                "deleted, but another program is reading the record, and its log still holds the "
                "old text: close your editors and run `assistant history delete` again"
            )

    # The file --------------------------------------------------------------------------------

    def _opened(self) -> sqlite3.Connection:
        """The connection to the file that stands there now: another may have moved it aside."""
        if self._connection is None or self._identity != identity_of(self.file):
            self.close()
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.file, os.O_CREAT | os.O_RDWR, 0o600))
            with self._alone():  # SQLite does not wait for others where it makes a log
                identity = identity_of(self.file)
                self._connection = _connect(self.file)
                self._identity = identity
        return self._connection

    def _alone(self) -> FileLock:
        """Held where no other process may open the file or move it."""
        return FileLock(f"{self.file}.lock", timeout=_PATIENCE_SECONDS, mode=0o600)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                raise self._moved_aside() from error
            self.close()
            raise HistoryError(_advice(self.file, str(error))) from error
        except OSError as error:
            self.close()
            raise HistoryError(_advice(self.file, error.strerror or str(error))) from error

    def _moved_aside(self) -> HistoryError:
        """Move a damaged file away, unless another process has done so already."""
        self.close()
        try:
            with self._alone():
                if not self.file.exists() or _is_sound(self.file):
                    return DamagedHistoryError(
                        f"{self.file} was damaged, and another program moved it aside: try again"
                    )
                stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
                aside = self.file.with_name(f"{self.file.name}.damaged-{stamp}")
                for end in _BESIDE:
                    with suppress(FileNotFoundError):
                        os.replace(f"{self.file}{end}", f"{aside}{end}")
        except OSError as error:
            return HistoryError(f"{self.file} is damaged: move it away ({error.strerror or error})")
        return DamagedHistoryError(
            f"the record of suggestions was damaged and is now {aside}; a new one is begun, and "
            "`sqlite3 FILE .recover` may get the old one back"
        )


def _connect(file: Path) -> sqlite3.Connection:
    """Raises sqlite3.Error, and HistoryError for a file of a newer version."""
    connection = sqlite3.connect(file, timeout=_PATIENCE_SECONDS, isolation_level=None)
    try:
        if not file.stat().st_size:  # it can only be chosen for an empty file
            connection.execute("PRAGMA auto_vacuum = FULL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        _migrate(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, file: Path) -> None:
    if _version(connection) < len(MIGRATIONS):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for script in MIGRATIONS[_version(connection) :]:
                for statement in _statements(script):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    if _version(connection) > len(MIGRATIONS):
        raise HistoryError(f"{file} was made by a newer version of assistant: update this one")


def _statements(script: str) -> Iterator[str]:
    """`executescript` would commit before each script, and leave half of one behind a crash."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    # The low byte is the kind of error, the rest says more of it.
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGE


def _is_sound(file: Path) -> bool:
    try:
        connection = _connect(file)
        try:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return not _is_damage(error)
    except HistoryError:
        return True


def _advice(file: Path, problem: str) -> str:
    """One line that says what to do."""
    if "locked" in problem or "file lock" in problem:
        return f"{file} is in use by another program: close it, or try again later"
    if "full" in problem or "No space" in problem:
        return f"{file} cannot be written, the disk is full: make room on it"
    if "readonly" in problem or "unable to open" in problem or "denied" in problem:
        return f"{file} cannot be used ({problem}): make the file and its folder yours to write"
    return f"{file} cannot be used: {problem}; look at the disk, or move the file away"
