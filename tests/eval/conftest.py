"""Small exams, and small real models to sit them."""

from pathlib import Path

import pytest

from tests.engine import tiny
from tests.eval.exams import write_exam
from tests.one_thread import one_thread as one_thread


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama in float32 that reads 512 tokens."""
    return tiny.save_llama(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exam of three subjects in the layout of MMLU's authors."""
    sizes = {"anatomy": 9, "astronomy": 7, "formal_logic": 5}
    return write_exam(tmp_path_factory.mktemp("exam"), sizes)
