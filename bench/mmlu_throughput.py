"""Claim: MMLU takes at most a fifth of lm-eval's time, and no more memory.

One random Llama of 100 million parameters, the same 5-shot questions under lm-eval's own protocol,
on the CPU. Each contender is a process of its own, and they take turns, so that whatever else the
machine does slows both; a ratio is the median of the rounds' ratios of questions a second. In
float32 they must choose the same letters; in bfloat16 lm-eval rounds likelihoods, so that several
are often alike.

- *ours*: the protocol `harness` of `assistant eval mmlu`, from the questions to the likelihoods.
- *lm-eval*: lm-evaluation-harness's own tasks and model class, whose prompts are written before
  its time begins, at the batch size that suits it best here.

The questions are made up, as long as MMLU's, unless `--data` names a folder of real ones. With one
subject of so few questions ours gains less than with MMLU's 246 a subject.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import platformdirs

from bench.peers.mmlu.made_up import write_exam
from bench.peers.worker import Worker
from bench.random_models import llama_config, save_random
from bench.targets import Target, report, show_verdicts, verdict

SPEED, MEMORY, SAME = Target(5.0), Target(1.0, at_most=True), Target(1.0)
SHAPE = {"hidden": 768, "layers": 8, "intermediate": 2048, "heads": 12, "kv_heads": 4}
SUBJECT = "astronomy"
Round = Mapping[str, Mapping[str, Any]]


def measure(model: Path, data: Path, dtype: str, batch: int, rounds: int) -> list[Round]:
    """All rounds but the first, which only warms up."""
    ours = Worker("mmlu ours", str(model), str(data), dtype)
    theirs = Worker("mmlu lm-eval", str(model), str(data), dtype, str(batch))
    workers = {"ours": ours, "lm-eval": theirs}
    found = list[Round]()
    for number in range(rounds + 1):
        sittings = {name: worker.call("sit") for name, worker in workers.items()}
        for name, one in sittings.items():
            print(f"round {number}: {name}, {speed(one):.2f} questions/s", file=sys.stderr)
        found.append(sittings)
    for worker in workers.values():
        worker.close()
    return found[1:]


def speed(sitting: Mapping[str, Any]) -> float:
    """Questions a second."""
    return float(sitting["questions"] / sitting["seconds"])


def same_letters(sittings: Mapping[str, Mapping[str, Any]]) -> float:
    """The share of questions for which both chose the same letter."""
    pairs = list(zip(sittings["ours"]["letters"], sittings["lm-eval"]["letters"], strict=True))
    return statistics.fmean(one == other for one, other in pairs)


def ratios(runs: Sequence[Round], dtype: str) -> dict[str, Any]:
    """Each claim's ratio, its target, and whether it holds."""
    speeds = [speed(run["ours"]) / speed(run["lm-eval"]) for run in runs]
    memory = runs[-1]["ours"]["peak_bytes"] / runs[-1]["lm-eval"]["peak_bytes"]
    found = {
        "speed": verdict(statistics.median(speeds), SPEED),
        "memory": verdict(memory, MEMORY),
    }
    if dtype == "float32":
        found["same letters"] = verdict(min(map(same_letters, runs)), SAME)
    return found


def medians(runs: Sequence[Round]) -> dict[str, dict[str, float]]:
    """What each contender did."""
    return {
        name: {
            "questions_per_second": round(statistics.median(speed(run[name]) for run in runs), 2),
            "peak_mb": round(runs[-1][name]["peak_bytes"] / 1e6),
        }
        for name in runs[0]
    }


def show(result: dict[str, Any]) -> None:
    """The table for people."""
    print(f"{result['model']} in {result['dtype']}, {result['questions']} questions, medians\n")
    print(f"{'':12}{'questions/s':>12}{'peak, MB':>10}")
    for name, row in result["medians"].items():
        print(f"{name:12}{row['questions_per_second']:>12.2f}{row['peak_mb']:>10}")
    print()
    show_verdicts(result["ratios"])


def main() -> int:
    """Measure and report; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--folder", type=Path, default=platformdirs.user_cache_path("assistant"))
    parser.add_argument("--data", type=Path, help="questions in the layout of MMLU's authors")
    parser.add_argument("--questions", type=int, default=30, help="made up where there are none")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--batch", type=int, default=1, help="lm-eval's batch size")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    model = save_random(options.folder / "llama-100m", llama_config(**SHAPE))
    with tempfile.TemporaryDirectory() as folder:
        data = options.data or write_exam(Path(folder), SUBJECT, options.questions)
        runs = measure(model, data, options.dtype, options.batch, options.rounds)
    result = {
        "benchmark": "mmlu_throughput",
        "model": "a random Llama of 100 million parameters",
        "dtype": options.dtype,
        "questions": runs[0]["ours"]["questions"],
        "rounds": options.rounds,
        "medians": medians(runs),
        "ratios": ratios(runs, options.dtype),
    }
    return report(result, show, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
