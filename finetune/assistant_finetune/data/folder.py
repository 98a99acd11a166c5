"""A data folder: what was imported, what was refused, and a report of both."""

from pathlib import Path

DATA_FILE = "data.jsonl"
"""All examples, in this project's form."""
REPORT_FILE = "report.json"
REJECTS_FILE = "rejects.jsonl"
"""The records that were refused, each with its file, line, reason and text."""
CHANGES_FILE = "changes.jsonl"
"""Every change that was made to an example."""
TRAIN_FILE = "train.jsonl"
HELD_OUT_FILE = "held_out.jsonl"
"""Both sides of a split; where there is one, `train.jsonl` is trained on."""


def is_data_folder(folder: Path) -> bool:
    """Whether a folder is one that was imported."""
    return (folder / DATA_FILE).exists() and (folder / REPORT_FILE).exists()
