"""What a user may name as data: a file, a folder, a data set of the hub, or the own history."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.secrets import is_secret
from assistant.syntax.file_names import language_of
from assistant_finetune.data import code, history, hub
from assistant_finetune.data.examples import Document, Example
from assistant_finetune.data.folder import DATA_FILE, TRAIN_FILE, is_data_folder
from assistant_finetune.data.forms.kinds import Kind, Reader
from assistant_finetune.data.forms.oasst import Paths
from assistant_finetune.data.journal import DataError, Journal, Rejected
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.reading.files import DATA_NAMES, holds_records, read_records
from assistant_finetune.data.reading.packed import FileError, opened
from assistant_finetune.data.reading.plain import read_plain

HISTORY = "history"
"""The name of the record of use; a file of this name is `./history`."""
_NAMES_OF_FILES = (".json", ".jsonl", ".ndjson", ".parquet", ".gz", ".txt", ".md", ".py")
_HUB_NAME = re.compile(r"(hub:)?[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(:[\w.+-]+)?")


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that was named, and how to read it."""

    name: str
    kind: Kind | None = None
    """None: recognize it."""
    paths: Paths = Paths.BEST
    """Which conversations to read from trees."""


def read_source(source: Source, journal: Journal) -> Iterator[tuple[Example, Kind | None]]:
    """The examples, and the kind of each where it matters; what is broken goes to the journal.

    Raises DataError when there is no such thing, or it cannot be opened.
    """
    path = Path(source.name).expanduser()
    if path.is_dir():
        try:
            yield from _folder(path, source, journal)
        except OSError as error:
            raise DataError(f"{source.name}: {error.strerror or error}") from error
    elif path.exists():
        yield from _file(path, source.name, source, journal)
    elif source.name == HISTORY:
        yield from ((example, None) for example in history.read(journal))
        yield from ((example, None) for example in history.read_chats(journal))
    elif _HUB_NAME.fullmatch(source.name) and path.suffix not in _NAMES_OF_FILES:
        records = hub.read(source.name.removeprefix("hub:"), journal)
        yield from Reader(journal, source.kind, source.paths).read(records)
    else:
        raise DataError(
            f"{source.name}: there is no such file or folder; a data set of the hub is named "
            "owner/name, and the record of use `history`"
        )


def _folder(path: Path, source: Source, journal: Journal) -> Iterator[tuple[Example, Kind | None]]:
    if is_data_folder(path):  # all of it is in this project's form, whatever it came in
        train = path / TRAIN_FILE
        file = train if train.exists() else path / DATA_FILE
        yield from _file(file, str(file), replace(source, kind=None), journal)
        return
    holds_data = code.holds_data_alone(path, DATA_NAMES) and source.kind is None
    if holds_data or source.kind not in (None, Kind.CODE, Kind.TEXT):
        data = sorted(file for file in path.iterdir() if file.name.lower().endswith(DATA_NAMES))
        if not data:
            raise DataError(f"{source.name}: no file in it ends in {', '.join(DATA_NAMES)}")
        for file in data:
            yield from _file(file, f"{source.name.rstrip('/')}/{file.name}", source, journal)
        return
    found = False
    for document in code.read(path, source.name, journal, only_text=source.kind is Kind.TEXT):
        found = True
        yield document, Kind.CODE
    if not found:
        raise DataError(
            f"{source.name}: nothing in it can be learned from: name a folder of code, of notes, "
            f"or of files that end in {', '.join(DATA_NAMES)}"
        )


def _file(
    path: Path, name: str, source: Source, journal: Journal
) -> Iterator[tuple[Example, Kind | None]]:
    try:
        records = holds_records(path)
    except FileError as error:
        journal.reject(Rejected(Origin(name), str(error)))
        return
    if records:
        yield from Reader(journal, source.kind, source.paths).read(
            read_records(path, name, journal)
        )
        return
    if source.kind not in (None, Kind.TEXT, Kind.CODE):
        reason = f"it holds no records, and so nothing of the kind {source.kind.value}"
        journal.reject(Rejected(Origin(name), reason))
        return
    if is_secret(path.name):
        reason = "its name says that it holds secrets: give it another one if it does not"
        journal.reject(Rejected(Origin(name), reason))
        return
    language = language_of(path.name.removesuffix(".gz"))
    kind = Kind.CODE if code.is_code(language) else Kind.TEXT
    with opened(path, lambda reason: journal.reject(Rejected(Origin(name), reason))) as stream:
        for text, origin in read_plain(stream, name, journal):
            if "\0" in text:
                reason = "it holds zero bytes: it is no text"
                journal.reject(Rejected(origin, reason))
                return
            yield Document(text, origin, path.name, language), kind
