"""Claim: memory is within a tenth of what `assistant finetune --plan` says it will be.

Each training runs in a process of its own on the CPU, three steps long, on random Llamas and on the
starter. Compared is the most memory that the process holds from the first step to the result.
Loading is printed beside it and not compared: it passes through the pages of the weights' file,
which the system takes back when it needs them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import platformdirs

from assistant import paths
from assistant_finetune.training.run import plan
from assistant_finetune.training.settings import check
from bench.random_models import llama_config, save_gptq, save_random

WITHIN = 0.1
SIZES: dict[str, dict[str, int]] = {
    "60m": {"hidden": 768, "layers": 8, "intermediate": 2048, "heads": 12, "kv_heads": 4}
    | {"vocabulary": 8192},
    "350m": {"hidden": 1024, "layers": 24, "intermediate": 2816, "heads": 16, "kv_heads": 16},
}
COMMON: dict[str, Any] = {
    "max_steps": 3,
    "batch_size": 4,
    "evaluate_every": 2,
    "held_out": 0.02,
    "learn": "all",
}
SMALL = {"max_length": 512, "micro_batch_size": 2}
SHORT = {"max_length": 256, "micro_batch_size": 2}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "starter lora": ("starter", {"method": "lora"}),
    "starter lora fp32": ("starter", {"method": "lora", "precision": "fp32", **SMALL}),
    "starter qlora": ("starter", {"method": "qlora", "unpacked": False, **SMALL}),
    "starter full": ("starter", {"method": "full"}),
    "60m lora": ("60m", {"method": "lora", **SMALL}),
    "60m lora 8-bit": ("60m", {"method": "lora", "optimizer": "adamw-8bit", **SMALL}),
    "60m lora twice": ("60m", {"method": "lora", "checkpointing": True, **SMALL}),
    "60m full": ("60m", {"method": "full", **SMALL}),
    "60m qlora": ("60m", {"method": "qlora", "unpacked": False, **SHORT}),
    "60m qlora unpacked": ("60m", {"method": "qlora", **SHORT}),
    "60m gptq": ("60m-gptq", {"method": "qlora", "unpacked": False, **SHORT}),
    "60m gptq unpacked": ("60m-gptq", {"method": "qlora", **SHORT}),
    "350m lora": ("350m", {"method": "lora", "max_length": 256, "micro_batch_size": 1}),
    "350m lora twice": ("350m", {"method": "lora", "checkpointing": True, **SMALL}),
}


def base_of(folder: Path, model: str) -> str:
    """The model's name or folder, made where it is missing."""
    if model == "starter":
        return model
    size, _, form = model.partition("-")
    source = save_random(folder / f"train-{size}", llama_config(**SIZES[size]))
    return str(save_gptq(source, folder / f"{source.name}-gptq") if form else source)


def write_texts(file: Path) -> None:
    """This project's code as texts: enough to fill all rows."""
    sources = sorted((Path(__file__).parents[1] / "assistant").rglob("*.py"))
    lines = [json.dumps({"text": source.read_text("utf-8")}) + "\n" for source in sources]
    file.write_text("".join(lines), "utf-8")


def measure(told: Mapping[str, Any]) -> dict[str, int]:
    """Train in a process of its own; bytes as `bench.peers.training.peaks` prints them."""
    command = [sys.executable, "-m", "bench.peers.training.peaks", json.dumps(told)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, int] = json.loads(ran.stdout.splitlines()[-1])
    return found


def compare(base: str, told: Mapping[str, Any], data: Path, number: int) -> dict[str, Any]:
    """What is predicted and what is measured for one training."""
    settings = {**COMMON, **told, "base": base, "data": [str(data)], "name": f"run-{number}"}
    choice, _ = plan(check(settings, "settings"), "cpu")
    measured = measure(settings)
    ratio = choice.memory.total / measured["training"]
    return {
        "predicted": choice.memory.total,
        "parts": asdict(choice.memory),
        "measured": measured,
        "ratio": {
            "value": round(ratio, 3),
            "target": WITHIN,
            "holds": abs(ratio - 1) <= WITHIN,
        },
    }


def show(name: str, one: Mapping[str, Any]) -> None:
    """A line for people, and what was predicted for what."""
    measured = one["measured"]
    values = (one["predicted"], measured["training"], measured["loading"], measured["before"])
    columns = "".join(f"{value / 1e6:>11,.0f}" for value in values)
    missed = "" if one["ratio"]["holds"] else "  MISSED"
    print(f"{name:20}{columns}{one['ratio']['value']:>8.2f}{missed}")
    parts = ", ".join(f"{part} {size / 1e6:,.0f}" for part, size in one["parts"].items())
    print(f"  {parts}", flush=True)


def main() -> int:
    """Predict, measure and report; 1 when a prediction is off by more than a tenth."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--folder", type=Path, default=platformdirs.user_cache_path("assistant"))
    parser.add_argument("--cases", nargs="+", choices=tuple(CASES), default=list(CASES))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    found = dict[str, Any]()
    if not given.json:
        heads = ("predicted", "training", "loading", "before", "ratio")
        print(f"{'MB':20}" + "".join(f"{head:>{8 if head == 'ratio' else 11}}" for head in heads))
    with tempfile.TemporaryDirectory() as home:
        os.environ[paths.HOME_VARIABLE] = home
        data = Path(home) / "texts.jsonl"
        write_texts(data)
        for number, name in enumerate(given.cases):
            model, told = CASES[name]
            found[name] = compare(base_of(given.folder, model), told, data, number)
            if not given.json:
                show(name, found[name])
    ratios = {name: one["ratio"] for name, one in found.items()}
    if given.json:
        print(json.dumps({"benchmark": "finetune_memory", "cases": found, "ratios": ratios}))
    return 0 if all(ratio["holds"] for ratio in ratios.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
