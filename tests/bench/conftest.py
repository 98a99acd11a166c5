from pathlib import Path

import pytest
import torch

from bench.random_models import llama_config, save_random


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama that is small, with all that the large one has."""
    config = llama_config(
        hidden=256, layers=2, intermediate=512, heads=4, kv_heads=2, vocabulary=8192
    )
    return save_random(tmp_path_factory.mktemp("bench") / "small", config)
