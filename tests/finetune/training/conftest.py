"""Tiny real models to train on, each made once."""

import shutil
from pathlib import Path

import pytest

from assistant.registry import locate
from tests.engine import tiny
from tests.one_thread import one_thread as one_thread


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama in float32, whose chat format is its tokenizer's template."""
    return tiny.save_llama(tmp_path_factory.mktemp("models") / "tiny-llama")


@pytest.fixture(scope="session")
def llama_gptq(llama: Path) -> Path:
    """The same, quantized by gptqmodel."""
    pytest.importorskip("gptqmodel")
    return tiny.save_gptq(llama, llama.parent / "tiny-gptq")


@pytest.fixture(scope="session")
def starter_gptq(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter, quantized by gptqmodel."""
    pytest.importorskip("gptqmodel")
    starter = locate("starter").folder
    folder = tiny.save_gptq(starter, tmp_path_factory.mktemp("models") / "starter-gptq")
    for file in (*starter.glob("tokenizer*"), starter / "assistant.json"):
        shutil.copy2(file, folder / file.name)
    return folder
