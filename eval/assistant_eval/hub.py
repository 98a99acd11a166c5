"""Data sets of the Hugging Face hub, which stay in its cache: later runs need no network."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from assistant.engine.quiet import quiet
from assistant.errors import UsageError

Rows = Iterable[Mapping[str, Any]]
_PATIENCE_SECONDS = 20


def load(
    name: str, splits: Sequence[str], config: str | None = None, *, otherwise: str
) -> list[Rows]:
    """The rows of each split of a data set.

    `otherwise` says what else a user may name. Raises UsageError without the package, and where the
    data set is neither on the hub nor in the cache.
    """
    # Read when huggingface_hub is imported: nobody is told of this use but the hub itself.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import datasets
    except ImportError as error:
        raise UsageError(
            "the package datasets is missing: pip install 'assistant[eval]'"
        ) from error
    with quiet():
        datasets.disable_progress_bars()
        problem = _look(name)
        try:
            with _offline() if problem else nullcontext():
                return [datasets.load_dataset(name, config, split=split) for split in splits]
        except Exception as error:  # the hub, the network and the formats have errors of their own
            raise UsageError(
                f"{name} is not here, and the hub does not give it ({problem or _words(error)}):"
                f" check the name and the network, or name {otherwise} by --data"
            ) from error


def _look(name: str) -> str | None:
    """Ask once whether there is such a data set, as loading tries often; what is wrong, if so."""
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(name, timeout=_PATIENCE_SECONDS)
    except Exception as error:  # the hub's own errors, and those of several layers below it
        return _words(error)
    return None


@contextmanager
def _offline() -> Iterator[None]:
    """While it is entered, the libraries look into their caches alone."""
    import datasets
    from huggingface_hub import constants

    settings: tuple[Any, Any] = (datasets.config, constants)
    before = [one.HF_HUB_OFFLINE for one in settings]
    for one in settings:
        one.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for one, value in zip(settings, before, strict=True):
            one.HF_HUB_OFFLINE = value


def _words(error: Exception) -> str:
    words = " ".join(str(error).split())[:120]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__
