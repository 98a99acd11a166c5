"""Claim: what `assistant models plan` predicts is within a tenth of what is then measured.

A random Llama is planned for, by the rates of this machine and by its own widths, and then loaded
by the engine in a process of its own, which reads a prompt and answers. Predictions and
measurements take turns, so that whatever else the machine does slows both; a ratio is the median of
the rounds' ratios of predicted to measured.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import platformdirs
import psutil

from assistant.engine.native.int4 import find_kernel
from assistant.model_specs import ModelSpec
from assistant.plan import PROMPT_TOKENS, Storage, detect_machine, plan_for
from assistant.plan.folders import spec_of
from assistant.plan.measuring import measure_rates, measure_timing
from assistant.registry import LocalModel
from bench.peers.task import Task
from bench.peers.worker import Worker
from bench.random_models import llama_config, save_gptq, save_random
from bench.targets import report

WITHIN = 0.1
ANSWER = 32
SIZES: dict[str, dict[str, int]] = {
    "350m": {"hidden": 1024, "layers": 24, "intermediate": 2816, "heads": 16, "kv_heads": 16},
    "1b": {"hidden": 2048, "layers": 22, "intermediate": 5632, "heads": 32, "kv_heads": 4},
}
FORMS: dict[str, Storage] = {"bf16": "bf16", "int4": "int4", "gptq": "gptq"}


@dataclass(frozen=True, slots=True)
class Found:
    """One round of one form: bytes, tokens a second, seconds to the first token."""

    memory: float
    speed: float
    first: float


def folder_of(folder: Path, size: str, storage: Storage) -> Path:
    """The model's folder, made where it is missing."""
    source = save_random(folder / f"llama-{size}", llama_config(**SIZES[size]))
    return save_gptq(source, folder / f"{source.name}-gptq") if storage == "gptq" else source


def predict(spec: ModelSpec, storage: Storage, *, own_widths: bool) -> Found:
    """What the plan says, by what is measured now."""
    machine = detect_machine()
    device = replace(machine.devices[-1], copies=find_kernel() is None)
    if own_widths:
        timings = {(spec.name, storage): measure_timing(spec, storage)}
        device = replace(device, timings=timings)
    else:
        device = replace(device, rates={storage: measure_rates(storage)})
    plan = plan_for(spec, storage, replace(machine, devices=(device,)), PROMPT_TOKENS + ANSWER)
    assert plan.tokens_per_second is not None and plan.first_token_seconds is not None
    return Found(plan.memory.total, plan.tokens_per_second, plan.first_token_seconds)


class Served:
    """The model in the engine, in its own process."""

    def __init__(self, folder: Path, storage: Storage) -> None:
        """Load it."""
        quantization = "int4" if storage == "int4" else "none"
        self._worker = Worker("ours", str(folder), quantization)
        (self._process,) = psutil.Process().children()

    def measure(self, number: int) -> Found:
        """Answer a prompt that no other round has."""
        ids = [10 + (number * 7919 + place * 104_729) % 5000 for place in range(PROMPT_TOKENS)]
        timing = self._worker.answer(Task(ids, ids[:ANSWER]))
        return Found(self._process.memory_info().rss, timing.speed, timing.first)

    def close(self) -> None:
        """End the process."""
        self._worker.close()


def run(folder: Path, storage: Storage, rounds: int) -> list[dict[str, Found]]:
    """All rounds but the first, which only warms up."""
    spec = spec_of(LocalModel(folder.name, folder))
    served = Served(folder, storage)
    found = []
    for number in range(rounds + 1):
        by_rates = predict(spec, storage, own_widths=False)
        measured = served.measure(number)
        own_widths = predict(spec, storage, own_widths=True)
        found.append({"by rates": by_rates, "by own widths": own_widths, "measured": measured})
    served.close()
    return found[1:]


def ratios(form: str, runs: Sequence[dict[str, Found]]) -> dict[str, dict[str, float | bool]]:
    """Predicted over measured, by what and how it was predicted."""
    values = {f"{form}_memory": [run["by rates"].memory / run["measured"].memory for run in runs]}
    for how in ("by rates", "by own widths"):
        name = how.replace(" ", "_")
        values[f"{form}_decode_{name}"] = [run[how].speed / run["measured"].speed for run in runs]
        values[f"{form}_first_token_{name}"] = [
            run[how].first / run["measured"].first for run in runs
        ]
    found: dict[str, dict[str, float | bool]] = {}
    for key, column in values.items():
        value = statistics.median(column)
        holds = abs(value - 1) <= WITHIN
        found[key] = {"value": round(value, 3), "target": WITHIN, "holds": holds}
    return found


def medians(runs: Sequence[dict[str, Found]]) -> dict[str, dict[str, float]]:
    """What was predicted and measured."""
    return {
        how: {
            "memory_gb": round(statistics.median(run[how].memory for run in runs) / 1e9, 3),
            "tokens_per_second": round(statistics.median(run[how].speed for run in runs), 2),
            "first_token_s": round(statistics.median(run[how].first for run in runs), 2),
        }
        for how in runs[0]
    }


def show(result: dict[str, Any]) -> None:
    """The table for people."""
    print(f"{result['model']}, {result['rounds']} rounds, medians\n")
    print(f"{'':24}{'memory, GB':>12}{'tokens/s':>10}{'first token, s':>16}")
    for form, rows in result["medians"].items():
        for how, row in rows.items():
            values = f"{row['memory_gb']:>12.2f}{row['tokens_per_second']:>10.2f}"
            print(f"{form + ' ' + how:24}{values}{row['first_token_s']:>16.2f}")
    print(f"\n{'predicted / measured':36}{'value':>8}   (target: within {WITHIN:.0%})")
    for name, ratio in result["ratios"].items():
        print(f"{name:36}{ratio['value']:>8.2f}{'' if ratio['holds'] else '  MISSED'}")


def main() -> int:
    """Predict, measure and report; 1 when a prediction is off by more than a tenth."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--folder", type=Path, default=platformdirs.user_cache_path("assistant"))
    parser.add_argument("--size", choices=tuple(SIZES), default="1b")
    parser.add_argument("--forms", nargs="+", choices=tuple(FORMS), default=list(FORMS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    result: dict[str, Any] = {"benchmark": "plan", "model": f"a random Llama, {options.size}"}
    result |= {"rounds": options.rounds, "medians": {}, "ratios": {}}
    for form in options.forms:
        folder = folder_of(options.folder, options.size, FORMS[form])
        runs = run(folder, FORMS[form], options.rounds)
        result["medians"][form] = medians(runs)
        result["ratios"] |= ratios(form, runs)
    return report(result, show, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
