"""The privacy step alone, from one file to another."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assistant.errors import UsageError
from assistant_finetune.data.journal import DataError, Journal, Rejected, private_file
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.privacy.scrubbing import Placeholders
from assistant_finetune.data.reading.files import holds_records, read_records
from assistant_finetune.data.reading.packed import FileError, opened
from assistant_finetune.data.reading.plain import read_plain


def scrub_file(file: Path, output: Path, journal: Journal, region: str | None) -> Counter[str]:
    """Write a file with placeholders; returns how many of each kind were put in.

    Records are written as JSON, one to a line, and each counts its placeholders from 1; a text is
    written as text. What cannot be read goes to the journal. Raises UsageError when `output` is
    there already or cannot be written, and DataError when `file` cannot be read at all.
    """
    if output.exists():
        raise UsageError(f"{output} is there already: name another file, or delete it")
    replaced = Counter[str]()
    try:
        records = holds_records(file)
        descriptor, unfinished = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
        os.close(descriptor)
        try:
            with private_file(Path(unfinished)) as written:
                pieces = _records if records else _text
                for piece in pieces(file, journal, region, replaced):
                    written.write(piece)
            os.replace(unfinished, output)
        finally:
            Path(unfinished).unlink(missing_ok=True)
    except FileError as error:
        raise DataError(f"{file}: {error}") from error
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror or error}") from error
    return replaced


def _records(
    file: Path, journal: Journal, region: str | None, replaced: Counter[str]
) -> Iterator[str]:
    for record in read_records(file, str(file), journal):
        placeholders = Placeholders(region)
        for text in _texts(record.value):
            placeholders.look(text)
        value = _replaced(record.value, placeholders)
        replaced.update(placeholders.replaced)
        yield json.dumps(value, ensure_ascii=False, default=str) + "\n"


def _text(
    file: Path, journal: Journal, region: str | None, replaced: Counter[str]
) -> Iterator[str]:
    placeholders = Placeholders(region)

    def damaged(reason: str) -> None:
        journal.reject(Rejected(Origin(str(file)), reason))

    with opened(file, damaged) as stream:
        for text, _ in read_plain(stream, str(file), journal):
            placeholders.look(text)
            yield placeholders.replace(text)
    replaced.update(placeholders.replaced)


def _texts(value: Any) -> Iterator[str]:
    """All texts in a value of JSON; names of fields are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _replaced(value: Any, placeholders: Placeholders) -> Any:
    if isinstance(value, str):
        return placeholders.replace(value)
    if isinstance(value, list):
        return [_replaced(inner, placeholders) for inner in value]
    if isinstance(value, dict):
        return {name: _replaced(inner, placeholders) for name, inner in value.items()}
    return value
