"""The plan of memory says what a training then takes."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from assistant.plan.folders import spec_of
from assistant_finetune.fitting.activations import layer_bytes
from assistant_finetune.training.base import load_base
from assistant_finetune.training.settings import Method, Precision, Settings
from assistant_finetune.training.trainer import adapted
from bench.finetune_memory import compare, write_texts
from bench.random_models import llama_config, save_random
from tests.engine import tiny

WITHIN = 0.12
"""A tenth is held by the benchmark; other versions of the libraries may take more or less."""
LENGTH = 128
"""Of samples, with which the plan reckons what attention keeps of pairs."""


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


@pytest.mark.parametrize(
    ("method", "precision", "options"),
    [
        ("lora", "bf16", {}),
        ("lora", "fp32", {}),
        ("lora", "bf16", {"targets": ("q_proj", "v_proj")}),
        ("lora", "bf16", {"dropout": 0.1}),
        ("full", "bf16", {}),
        ("full", "fp32", {}),
    ],
)
def test_a_layer_keeps_what_the_plan_counts(
    method: Method, precision: Precision, options: dict[str, Any], tmp_path: Path
) -> None:
    rank = None if method == "full" else 8
    settings = Settings(method=method, precision=precision, rank=rank, max_length=1024, **options)
    kept, counted = [], 0
    for layers in (1, 2):
        config = llama_config(
            hidden=128, layers=layers, intermediate=384, heads=8, kv_heads=2, vocabulary=8192
        )
        local = tiny.local_model(save_random(tmp_path / f"llama-{layers}", config))
        base = load_base(local, method, precision, "cpu")
        model = adapted(base, settings)
        few, many = kept_bytes(model, precision, 1), kept_bytes(model, precision, 3)
        kept.append((many - few) / (2 * LENGTH))
        counted = layer_bytes(spec_of(local), settings, "cpu")
    assert kept[1] - kept[0] == pytest.approx(counted, rel=0.02)


def kept_bytes(model: Any, precision: Precision, samples: int) -> int:
    """Of all that a pass keeps for its gradients, apart from the model's own weights."""
    kept = dict[int, int]()

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.arange(8, 8 + samples * LENGTH)[None]
    positions = torch.arange(LENGTH).repeat(samples)[None]
    with (
        torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"),
        torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor),
    ):
        logits = model(ids, position_ids=positions, use_cache=False).logits
    own = {one.untyped_storage().data_ptr() for one in model.parameters()}
    assert logits.requires_grad  # and holds what was kept until here
    return sum(size for place, size in kept.items() if place not in own)
