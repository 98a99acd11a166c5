"""A sandbox for all tests, and questions made up for them."""

import shutil

import pytest

from assistant_eval.code.sandbox import Limits, Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Sandbox:
    """One whose programs have a second."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not here")
    return Sandbox(Limits(seconds=1))
