"""The records of one data file, by what its bytes are."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assistant_finetune.data.journal import Journal, Rejected
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.reading.json_values import LISTS, Broken, ValueReader
from assistant_finetune.data.reading.lines import read_lines
from assistant_finetune.data.reading.packed import PARQUET, FileError, beginning, opened
from assistant_finetune.data.reading.parquet import read_parquet
from assistant_finetune.data.reading.record import Record, parse

JSON_NAMES = (".json", ".jsonl", ".ndjson")
DATA_NAMES = (*JSON_NAMES, ".parquet", ".gz")
_WRAPPING = 500
"""Bytes in which an object that wraps a list of records comes to that list."""
_WRAPPED = re.compile(rf'"(?:{"|".join(LISTS)})"\s*:\s*\[\s*[{{\[]'.encode())


def holds_records(path: Path) -> bool:
    """Whether a file holds records rather than one text. Raises DataError and FileError."""
    head = beginning(path)
    if head.startswith(PARQUET) or _inner_name(path).endswith((*JSON_NAMES, ".parquet")):
        return True
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and _is_json(head)


def read_records(path: Path, source: str, journal: Journal) -> Iterator[Record]:
    """The records of a file; whatever of it cannot be read goes to the journal.

    Raises DataError when the file cannot be opened.
    """
    try:
        head = beginning(path)
        if head.startswith(PARQUET) or _inner_name(path).endswith(".parquet"):
            yield from read_parquet(path, source, journal)
        elif not head:
            raise FileError("it is empty")
        else:
            yield from _read_json(path, source, head, journal)
    except FileError as error:
        journal.reject(Rejected(Origin(source), str(error)))


def _read_json(path: Path, source: str, head: bytes, journal: Journal) -> Iterator[Record]:
    last = 0
    damage: list[str] = []
    with opened(path, damage.append) as stream:
        read = read_lines if _in_lines(head) else _read_values
        for record in read(stream, source, journal):
            last = record.origin.line
            yield record
    for reason in damage:
        journal.reject(Rejected(Origin(source, last), reason))


def _read_values(stream: io.BufferedReader, source: str, journal: Journal) -> Iterator[Record]:
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="\n")
    for found in ValueReader(text).values():
        origin = Origin(source, found.line)
        if isinstance(found, Broken):
            kind = found.reason.partition(":")[0]
            journal.reject(Rejected(origin, found.reason, found.text, kind))
        else:
            yield Record(found.value, origin)


def _in_lines(head: bytes) -> bool:
    """Whether each line is a record, by the begin of a file."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    first, newline, rest = start.partition(b"\n")
    behind = rest.lstrip()[:1]
    value = _value(first)
    if start[:1] == b"[":  # a list of records, unless each line is a list
        return isinstance(value, list) and (behind == b"[" or _is_conversation(value))
    if start[:1] != b"{":
        return True
    wrapped = _WRAPPED.search(start[:_WRAPPING]) is not None
    if value is not None or not newline:  # a record, or a list of them in an object
        return behind != b"" or not wrapped
    # The first line is broken where the second begins like a record, and not like a part of it.
    return behind in (b"{", b"") and first.rstrip()[-1:] not in (b"{", b"[", b",", b":")


def _value(line: bytes) -> Any:
    """The value of a whole line, or None for what is none."""
    try:
        return parse(line.decode("utf-8", "replace"))
    except ValueError:
        return None


def _is_conversation(value: list[Any]) -> bool:
    """Whether a list is one of messages rather than one of records."""
    first = value[0] if value else None
    return isinstance(first, dict) and ("role" in first or "from" in first)


def _is_json(head: bytes) -> bool:
    """Whether a file without a telling name begins like records, and not like some code."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start[1:].lstrip()[:1] in (b'"', b"{", b"[")


def _inner_name(path: Path) -> str:
    """The name without `.gz`."""
    return path.name.lower().removesuffix(".gz")
