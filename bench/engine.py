"""The engine beside llama.cpp and transformers: first token, decoding, edits, and many at once.

The same weights in the same run: a random Llama of 1.1 billion parameters in 4 bits, and the
starter. Each contender has a process of its own with what is best for it, and they take turns on
the same tasks; a value is the median of the rounds.

- `cold_first_token`: llama.cpp's time to the first token of a prompt of 1,024 tokens over ours.
- `decode`: our tokens a second, each in a pass of its own, over llama.cpp's.
- `edit`: our tokens a second, guessing by look-up in the prompt, over llama.cpp's plain ones, where
  four fifths of the answer stand in the prompt.
- `warm_first_token`: two more tokens typed behind the prompt, in steps of one token.
- `eight_streams`: tokens a second of eight answers together over those of one alone.
- `completion_under_load`: passes until the first token of a completion that comes while eight
  answers are made; the slowest round counts.

Answers are given where a contender can be told one: it computes all the same, and then takes the
token that it is told, so that all do the same work and no luck decides what repeats.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from assistant.errors import AssistantError
from bench.peers.models import LLAMA, OURS, Setup, random_llama, starter
from bench.peers.task import Task, Timing
from bench.peers.texts import Texts, edited
from bench.peers.worker import Worker
from bench.targets import Target, Verdict, verdict

MODELS: dict[str, Callable[[Path], Setup]] = {"1b": random_llama, "starter": starter}
STREAMS = 8
TYPED = 2
"""Tokens in five characters more."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long the texts are, in tokens."""

    prompt: int = 1024
    answer: int = 64
    edit: int = 320
    shared: int = 48
    """The prompts and the answers of the streams."""


TARGETS = {
    "cold_first_token": Target(3.0),
    "decode": Target(1.1),
    "edit": Target(2.5),
    "warm_first_token": Target(1.3, at_most=True),
    "eight_streams": Target(3.0),
    "completion_under_load": Target(2, at_most=True),
}


@dataclass(frozen=True, slots=True)
class Round:
    """What one round found: contenders' timings by task, and ours of many at once."""

    timings: dict[str, dict[str, Timing]]
    single: float
    """Tokens a second of one stream, of as many tokens as each of the eight has."""
    eight: float
    arrival_passes: float
    arrival_seconds: float
    repeated: float
    """The share of the edit that stands in its prompt."""


def play(workers: dict[str, Worker], texts: Texts, sizes: Sizes, number: int) -> Round:
    """One round: every contender does every task before the next round begins."""
    prompt = texts.take(sizes.prompt)
    answer = texts.take(sizes.answer)
    typed = [*prompt, *texts.take(TYPED)]
    question = texts.take(sizes.edit)
    edit, repeated = edited(question, texts, number)
    timings: dict[str, dict[str, Timing]] = {}
    for name, worker in workers.items():
        found = timings[name] = {"cold": worker.answer(Task(prompt, answer))}
        if name == LLAMA or name.startswith(OURS):
            found["warm"] = worker.answer(Task(typed, answer[:4], fresh=False))
            found["edit"] = worker.answer(Task(question, edit, guess=name != LLAMA))
    ours = workers[OURS]
    return Round(timings, **_together(ours, texts, sizes), repeated=repeated)


def _together(ours: Worker, texts: Texts, sizes: Sizes) -> dict[str, float]:
    """One stream, eight streams, and a completion that comes while there are eight."""

    def some(number: int) -> list[list[int]]:
        return [texts.take(sizes.shared) for _ in range(number)]

    one = ours.call("streams", prompts=some(1), answers=some(1))
    all_together = ours.call("streams", prompts=some(STREAMS), answers=some(STREAMS))
    arrival = ours.call(
        "arrive",
        prompts=some(STREAMS),
        answers=some(STREAMS),
        typed=texts.take(sizes.shared),
        completion=texts.take(4),
    )
    return {
        "single": one["tokens"] / one["seconds"],
        "eight": all_together["tokens"] / all_together["seconds"],
        "arrival_passes": arrival["passes"],
        "arrival_seconds": arrival["seconds"],
    }


def values(rounds: Sequence[Round]) -> dict[str, float]:
    """Each claim's value."""
    pairs = [(one.timings[OURS], one.timings[LLAMA]) for one in rounds]
    steps = [1 / ours["cold"].speed for ours, _ in pairs]
    found = {
        "cold_first_token": [theirs["cold"].first / ours["cold"].first for ours, theirs in pairs],
        "decode": [ours["cold"].speed / theirs["cold"].speed for ours, theirs in pairs],
        "edit": [ours["edit"].speed / theirs["edit"].speed for ours, theirs in pairs],
        "warm_first_token": [
            ours["warm"].first / step for (ours, _), step in zip(pairs, steps, strict=True)
        ],
        "eight_streams": [one.eight / one.single for one in rounds],
    }
    medians = {name: statistics.median(each) for name, each in found.items()}
    return {**medians, "completion_under_load": max(one.arrival_passes for one in rounds)}


def medians(rounds: Sequence[Round]) -> dict[str, dict[str, float]]:
    """Each contender's row of the table: milliseconds, and tokens a second."""
    rows: dict[str, dict[str, float]] = {}
    for name, tasks in rounds[0].timings.items():

        def of(task: str, what: str, name: str = name) -> float:
            found = [getattr(one.timings[name][task], what) for one in rounds]
            return float(statistics.median(found))

        rows[name] = {
            "cold_first_token_ms": 1000 * of("cold", "first"),
            "tokens_per_second": of("cold", "speed"),
        }
        if "warm" in tasks:
            rows[name]["warm_first_token_ms"] = 1000 * of("warm", "first")
            rows[name]["edit_tokens_per_second"] = of("edit", "speed")
    rows[OURS] |= {
        "one_stream_tokens_per_second": statistics.median(one.single for one in rounds),
        "eight_streams_tokens_per_second": statistics.median(one.eight for one in rounds),
        "completion_under_load_ms": 1000 * statistics.median(one.arrival_seconds for one in rounds),
    }
    return {
        name: {key: round(value, 3) for key, value in row.items()} for name, row in rows.items()
    }


def measure(setup: Setup, rounds: int, sizes: Sizes) -> dict[str, Any]:
    """All rounds of one model, behind one that only warms up."""
    texts = Texts()
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(closing(Worker(*arguments)))
            for name, arguments in setup.contenders.items()
        }
        bandwidth = workers[OURS].call("bandwidth")["bytes_per_second"]
        found = []
        for number in range(rounds + 1):
            if sys.stderr.isatty():
                print(f"{setup.name}: round {number} of {rounds}", file=sys.stderr)
            found.append(play(workers, texts, sizes, number))
        found = found[1:]
        descriptions = {name: worker.description for name, worker in workers.items()}
        weights = workers[OURS].call("weights")["bytes"]
    rows = medians(found)
    read = weights * rows[OURS]["tokens_per_second"]
    return {
        "contenders": descriptions,
        "rounds": rounds,
        "medians": rows,
        "edit_repeats": round(statistics.mean(one.repeated for one in found), 3),
        "bandwidth": {
            "measured_gb_per_second": round(bandwidth / 1e9, 2),
            "read_while_decoding_gb_per_second": round(read / 1e9, 2),
            "share": round(read / bandwidth, 3),
        },
        "values": values(found),
    }


def ratios(results: dict[str, dict[str, Any]]) -> dict[str, Verdict]:
    """Each model's claims, their targets and whether they hold."""
    return {
        f"{model}_{name}": verdict(value, TARGETS[name])
        for model, result in results.items()
        for name, value in result["values"].items()
    }


def table(results: dict[str, dict[str, Any]], verdicts: dict[str, Verdict]) -> Iterator[str]:
    """The lines for people."""
    for model, result in results.items():
        yield f"{model}: medians of {result['rounds']} rounds"
        yield from (f"  {name}: {line}" for name, line in result["contenders"].items())
        yield f"  {'':22}{'cold, ms':>11}{'warm, ms':>11}{'tokens/s':>11}{'edit, /s':>11}"
        for name, row in result["medians"].items():
            cells = (
                row.get(key)
                for key in (
                    "cold_first_token_ms",
                    "warm_first_token_ms",
                    "tokens_per_second",
                    "edit_tokens_per_second",
                )
            )
            yield f"  {name:22}" + "".join(
                f"{'' if cell is None else f'{cell:,.1f}':>11}" for cell in cells
            )
        ours, memory = result["medians"][OURS], result["bandwidth"]
        yield (
            f"  streams: one {ours['one_stream_tokens_per_second']:,.1f} tokens/s, eight"
            f" {ours['eight_streams_tokens_per_second']:,.1f}; a completion among them has its"
            f" first token after {ours['completion_under_load_ms']:,.1f} ms"
        )
        yield (
            f"  memory: {memory['read_while_decoding_gb_per_second']} of"
            f" {memory['measured_gb_per_second']} GB/s while decoding ({memory['share']:.0%})"
        )
        yield ""
    yield f"{'ratio':34}{'value':>9}{'target':>12}"
    for name, ratio in verdicts.items():
        most = TARGETS[name.split("_", 1)[1]].at_most
        target = f"{'at most ' if most else ''}{ratio['target']:g}"
        yield f"{name:34}{ratio['value']:>9.2f}{target:>12}{'' if ratio['holds'] else '  MISSED'}"


def main() -> int:
    """Measure and report; 1 when a target is missed or a contender cannot run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", choices=(*MODELS, "both"), default="both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round")
    folder = platformdirs.user_cache_path("assistant") / "bench"
    parser.add_argument("--folder", type=Path, default=folder, help="of the models that are made")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = MODELS if options.model == "both" else {options.model: MODELS[options.model]}
    try:
        results = {
            name: measure(make(options.folder), 1 if options.quick else options.rounds, Sizes())
            for name, make in chosen.items()
        }
    except (AssistantError, RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    verdicts = ratios(results)
    if options.json:
        print(json.dumps({"benchmark": "engine", "models": results, "ratios": verdicts}))
    else:
        print("\n".join(table(results, verdicts)))
    return 0 if all(ratio["holds"] for ratio in verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
