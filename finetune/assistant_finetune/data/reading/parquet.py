"""Rows of a Parquet file, some at a time."""

from collections.abc import Iterator
from pathlib import Path

from assistant_finetune.data.journal import Journal, Rejected
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.reading.packed import FileError
from assistant_finetune.data.reading.record import Record

_ROWS = 64


def read_parquet(path: Path, source: str, journal: Journal) -> Iterator[Record]:
    """The rows; a group of rows that is damaged goes to the journal. Raises FileError."""
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    try:
        file = parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError) as error:
        raise FileError(f"it is no whole Parquet file ({_first_line(error)})") from error
    with file:
        first = 1
        for group in range(file.metadata.num_row_groups):
            number = first
            first += file.metadata.row_group(group).num_rows
            try:
                for batch in file.iter_batches(batch_size=_ROWS, row_groups=[group]):
                    for row in batch.to_pylist():
                        yield Record(row, Origin(source, number))
                        number += 1
            except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
                reason = f"rows {number} to {first - 1} are damaged ({_first_line(error)})"
                origin = Origin(source, number)
                journal.reject(Rejected(origin, reason, kind="damaged rows"))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
