"""Rows of tokens in a file: written one after the other, read in any order without being loaded."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from assistant.prompts import IGNORED
from assistant_finetune.data import Row

_SCHEMA = pa.schema(
    [
        ("input_ids", pa.list_(pa.int32())),
        ("labels", pa.list_(pa.int32())),
        ("position_ids", pa.list_(pa.int32())),
        ("weights", pa.list_(pa.float32())),
    ]
)
_BATCH = 64


def write_rows(rows: Iterable[Row], file: Path) -> tuple[int, int, int]:
    """Write rows to a new file; returns how many there are, their tokens, and those learned."""
    count = tokens = learned = 0
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, _SCHEMA) as writer:
        file.chmod(0o600)
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(_fields(row))
            count += 1
            tokens += len(row.ids)
            learned += sum(label != IGNORED for label in row.labels)
            if len(batch) == _BATCH:
                writer.write_batch(pa.RecordBatch.from_pylist(batch, _SCHEMA))
                batch.clear()
        if batch:
            writer.write_batch(pa.RecordBatch.from_pylist(batch, _SCHEMA))
    return count, tokens, learned


def read_rows(file: Path) -> Any:
    """The rows of a file, as a data set that stays on the disk."""
    from datasets import Dataset

    return Dataset.from_file(str(file))


def lengths(rows: Any) -> Sequence[int]:
    """The tokens of each row."""
    import pyarrow.compute as pc

    found: list[int] = pc.list_value_length(rows.data.column("input_ids")).to_pylist()
    return found


def _fields(row: Row) -> dict[str, Any]:
    return {
        "input_ids": row.ids,
        "labels": row.labels,
        "position_ids": row.position_ids,
        "weights": row.weights,
    }
