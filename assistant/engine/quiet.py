"""Silence of the libraries, so that a user reads what is meant for users."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet() -> Iterator[None]:
    """Without what the libraries say among themselves, and without bars of their own."""
    import transformers

    own: Any = transformers.utils.logging
    before, bars = logging.root.manager.disable, own.is_progress_bar_enabled()
    logging.disable(logging.WARNING)
    own.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        if bars:
            own.enable_progress_bar()
