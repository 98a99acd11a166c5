"""The plan of memory says what a training then takes."""

import sys
from pathlib import Path

import pytest

from bench.finetune_memory import compare, write_texts
from bench.random_models import llama_config, save_random

WITHIN = 0.15
"""A tenth is held by the benchmark; other versions of the libraries may take more or less."""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_plan_is_what_a_training_takes(method: str, tmp_path: Path) -> None:
    config = llama_config(
        hidden=512, layers=6, intermediate=1376, heads=8, kv_heads=4, vocabulary=8192
    )
    base = save_random(tmp_path / "llama", config)
    write_texts(tmp_path / "texts.jsonl")
    told = {"method": method, "max_length": 512, "micro_batch_size": 4, "max_steps": 2}
    found = compare(str(base), told, tmp_path / "texts.jsonl", 0)
    assert found["ratio"]["value"] == pytest.approx(1, abs=WITHIN), found
