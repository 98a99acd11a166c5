"""A data set of the Hugging Face hub, row by row as it arrives."""

import os
from collections.abc import Iterator

from assistant_finetune.data.journal import DataError, Journal, Rejected
from assistant_finetune.data.origin import Origin
from assistant_finetune.data.reading.record import Record

_PATIENCE_SECONDS = 20


def read(name: str, journal: Journal) -> Iterator[Record]:
    """The rows of `owner/name`, of its split `train`, or of `owner/name:split`.

    Raises DataError, in one line, without the package, without a network, or for a name that
    nobody has. What breaks off later goes to the journal.
    """
    # Read when huggingface_hub is imported: nobody is told of this use but the hub itself.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            "the package datasets is missing: pip install 'assistant[finetune]'"
        ) from error
    datasets.disable_progress_bars()
    repository, _, split = name.partition(":")
    _look(repository)
    number = 0
    try:
        rows = datasets.load_dataset(repository, split=split or "train", streaming=True)
        for number, row in enumerate(rows, start=1):
            yield Record(dict(row), Origin(name, number))
    except Exception as error:  # the hub, the network and the formats each have errors of their own
        reason = _first_words(error)
        if not number:
            raise DataError(
                f"{name} is no file here, and cannot be read from the hub ({reason}): "
                "download its files and name those"
            ) from error
        journal.reject(Rejected(Origin(name, number), f"it breaks off here ({reason})", kind="hub"))


def _look(repository: str) -> None:
    """Ask once whether there is such a data set, as reading tries often. Raises DataError."""
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(repository, timeout=_PATIENCE_SECONDS)
    except Exception as error:  # the hub's own errors, and those of several layers below it
        raise DataError(
            f"{repository} is no file here, and the hub does not give it ({_first_words(error)}): "
            "check the name and the network"
        ) from error


def _first_words(error: Exception) -> str:
    words = " ".join(str(error).split())[:120]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
