"""JSON, one record to a line."""

from collections.abc import Iterator
from io import BufferedReader

from assistant_finetune.data.journal import Journal, Rejected
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.reading.record import LONGEST, Record, parse


def read_lines(stream: BufferedReader, source: str, journal: Journal) -> Iterator[Record]:
    """The records; a line that is none goes to the journal, and the next one is read."""
    number = 0
    while line := stream.readline(LONGEST + 1):
        number += 1
        origin = Origin(source, number)
        if len(line) > LONGEST:
            _pass(stream, line)
            start = line[:200].decode("utf-8", "replace")
            reason = f"the line is longer than {LONGEST // 2**20} MB"
            journal.reject(Rejected(origin, reason, start))
            continue
        if not line.strip(b"\xef\xbb\xbf \t\r\n"):
            continue
        try:
            yield Record(parse(_text(line).rstrip("\r\n")), origin)
        except ValueError as error:
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            journal.reject(Rejected(origin, str(error), text, _kind(str(error))))


def _text(line: bytes) -> str:
    if line.startswith(b"\xef\xbb\xbf"):
        line = line[3:]
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8: byte {error.start + 1} of the line is none") from error


def _kind(reason: str) -> str:
    """The reason without its place, to count by."""
    return reason.partition(":")[0] if reason.startswith("not ") else reason


def _pass(stream: BufferedReader, line: bytes) -> None:
    """Read on to the end of a line that is too long."""
    while line and not line.endswith(b"\n"):
        line = stream.readline(LONGEST)
