"""Tiny real models as folders, each made once for all tests of the engine."""

from pathlib import Path

import pytest
import torch

from assistant.engine.engine import Engine
from assistant.engine.load import LoadedModel, LoadOptions, load_model
from tests.engine import tiny
from tests.one_thread import one_thread as one_thread

CPU = LoadOptions("cpu")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the models' folders stand in."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def llama(models: Path) -> Path:
    """A Llama in float32."""
    return tiny.save_llama(models / "tiny-llama")


@pytest.fixture(scope="session")
def llama_bf16(models: Path) -> Path:
    """The same in bfloat16."""
    return tiny.save_llama(models / "tiny-bf16", dtype=torch.bfloat16)


@pytest.fixture(scope="session")
def llama_nf4(models: Path, llama_bf16: Path) -> Path:
    """The same, saved in NF4."""
    return tiny.save_nf4(llama_bf16, models / "tiny-nf4")


@pytest.fixture(scope="session")
def llama_gptq(models: Path, llama_bf16: Path) -> Path:
    """The same, quantized by gptqmodel."""
    pytest.importorskip("gptqmodel")
    return tiny.save_gptq(llama_bf16, models / "tiny-gptq")


@pytest.fixture(scope="session")
def adapter(models: Path, llama: Path) -> Path:
    """A LoRA adapter for all of them."""
    return tiny.save_adapter(llama, models / "tiny-adapter")


@pytest.fixture(scope="session")
def loaded(llama: Path) -> LoadedModel:
    """The Llama in float32, loaded."""
    return load_model(tiny.local_model(llama), CPU)


@pytest.fixture
def engine(loaded: LoadedModel) -> Engine:
    """An engine that has computed nothing yet."""
    return Engine(loaded)
