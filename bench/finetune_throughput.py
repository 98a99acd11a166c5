"""Claim: training learns as many tokens a second as TRL, and three times those of padded batches.

One random Llama in bfloat16, one set of short chats in one chat format, one adapter on all linear
layers. Each contender is a process of its own, and they take turns, so that whatever else the
machine does slows all; a ratio is the median of the rounds' ratios of learned tokens a second.

- *ours*: `assistant finetune`, one packed row at a time, and as it does by default in float32 on a
  processor that multiplies in it faster than in bfloat16.
- *TRL*: its SFTTrainer with packing and loss on the assistant's tokens alone, one row at a time and
  without computing activations twice, which suits a CPU. *TRL, checkpointing* does as it does by
  default, and beside it stands ours with the same.
- *padded, grouped, NF4*: the manner of the QLoRA paper's script. It holds the base in NF4, computes
  activations twice, and puts chats of about one length together, four at a time with its settings
  for Guanaco; *single, NF4* is one at a time, its default. Beside them stands ours on NF4.
- *padded* and *padded, grouped*: the same on the base in bfloat16, 16 in random order at a time and
  four of about one length, where little is padding.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import platformdirs

from bench.peers.training.chats import TEMPLATE, write_chats
from bench.peers.worker import Worker
from bench.random_models import llama_config, save_random
from bench.targets import Target, report, show_verdicts, verdict

CONTENDERS: dict[str, tuple[str, ...]] = {
    "ours": ("train ours",),
    "ours, checkpointing": ("train ours", "checkpointing"),
    "TRL": ("train trl",),
    "TRL, checkpointing": ("train trl", "checkpointing"),
    "padded": ("train padded", "checkpointing"),
    "padded, grouped": ("train padded", "checkpointing", "grouped"),
    "ours, NF4": ("train ours", "nf4"),
    "padded, grouped, NF4": ("train padded", "checkpointing", "grouped", "nf4"),
    "single, NF4": ("train padded", "checkpointing", "single", "nf4"),
}
SPEED = {
    ("ours", "TRL"): Target(1.0),
    ("ours, checkpointing", "TRL, checkpointing"): Target(1.0),
    ("ours", "padded"): Target(3.0),
    ("ours", "padded, grouped"): Target(3.0),
    ("ours, NF4", "padded, grouped, NF4"): Target(3.0),
    ("ours, NF4", "single, NF4"): Target(3.0),
}
MEMORY = {
    ("ours", "TRL"): Target(1.0, at_most=True),
    ("ours, checkpointing", "TRL, checkpointing"): Target(1.0, at_most=True),
}
SHAPE = {"hidden": 512, "layers": 8, "intermediate": 1408, "heads": 8, "kv_heads": 4}
CLOCK, PROCESSOR = "seconds", "processor_seconds"
Round = Mapping[str, Mapping[str, Any]]
Claims = Mapping[tuple[str, str], Target]


def base(folder: Path) -> Path:
    """A Llama of 56 million parameters whose template says what the assistant has written."""
    model = save_random(folder / "llama-56m", llama_config(**SHAPE))
    (model / "chat_template.jinja").write_text(TEMPLATE, "utf-8")
    return model


def measure(model: Path, chats: Path, names: Sequence[str], rounds: int) -> list[Round]:
    """All rounds but the first, which only warms up."""
    with tempfile.TemporaryDirectory() as folder:
        workers = {}
        for name in names:
            kind, *options = CONTENDERS[name]
            own = Path(folder) / name
            own.mkdir()
            workers[name] = Worker(kind, str(model), str(chats), str(own), *options)
        found = list[Round]()
        for number in range(rounds + 1):
            epochs = {}
            for name, worker in workers.items():
                epochs[name] = one = worker.call("epoch")
                told = f"{one['learned']} tokens in {one['seconds']:.1f} s"
                print(f"round {number}: {name}, {told}", file=sys.stderr)
            found.append(epochs)
        for worker in workers.values():
            worker.close()
    return found[1:]


def ratios(runs: Sequence[Round], clock: str = CLOCK) -> dict[str, Any]:
    """Each claim's ratio, its target, and whether it holds."""

    def both(claims: Claims) -> Iterator[tuple[str, str, Target]]:
        for (ours, theirs), target in claims.items():
            if ours in runs[0] and theirs in runs[0]:
                yield ours, theirs, target

    found = {}
    for ours, theirs, target in both(SPEED):
        values = [speed(run[ours], clock) / speed(run[theirs], clock) for run in runs]
        found[f"speed: {ours} / {theirs}"] = verdict(statistics.median(values), target)
    for ours, theirs, target in both(MEMORY):
        value = runs[-1][ours]["peak_bytes"] / runs[-1][theirs]["peak_bytes"]
        found[f"memory: {ours} / {theirs}"] = verdict(value, target)
    return found


def speed(epoch: Mapping[str, Any], clock: str) -> float:
    """Learned tokens a second of the clock, or of the cores' time together."""
    return float(epoch["learned"] / epoch[clock])


def medians(runs: Sequence[Round]) -> dict[str, dict[str, float]]:
    """What each contender did."""

    def median(name: str, clock: str) -> float:
        return round(statistics.median(speed(run[name], clock) for run in runs), 1)

    return {
        name: {
            "learned_per_second": median(name, CLOCK),
            "learned_per_processor_second": median(name, PROCESSOR),
            "peak_mb": round(runs[-1][name]["peak_bytes"] / 1e6),
            "learned": runs[-1][name]["learned"],
            "computed": runs[-1][name]["computed"],
        }
        for name in runs[0]
    }


def show(result: dict[str, Any]) -> None:
    """The table for people."""
    print(f"{result['model']}, {result['chats']} chats, {result['rounds']} rounds, medians\n")
    heads = ("a second", "a core's", "peak, MB", "learned", "computed")
    print(f"{'learned tokens':22}" + "".join(f"{head:>10}" for head in heads))
    for name, row in result["medians"].items():
        print(
            f"{name:22}{row['learned_per_second']:>10.1f}"
            f"{row['learned_per_processor_second']:>10.1f}{row['peak_mb']:>10}"
            f"{row['learned']:>10}{row['computed']:>10}"
        )
    print()
    show_verdicts(result["ratios"])


def main() -> int:
    """Measure and report; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--folder", type=Path, default=platformdirs.user_cache_path("assistant"))
    parser.add_argument("--chats", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--contenders", nargs="+", choices=tuple(CONTENDERS), default=list(CONTENDERS)
    )
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="compare by the cores' time, where the machine computes other things beside it",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chats = Path(folder) / "chats.jsonl"
        write_chats(chats, options.chats)
        runs = measure(base(options.folder), chats, options.contenders, options.rounds)
    result = {
        "benchmark": "finetune_throughput",
        "model": "a random Llama of 56 million parameters",
        "chats": options.chats,
        "rounds": options.rounds,
        "medians": medians(runs),
        "ratios": ratios(runs, PROCESSOR if options.processor_time else CLOCK),
    }
    return report(result, show, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
