"""How soon the first token comes, and how fast the others: the engine beside transformers.

The same weights on the same device complete the same Python file. *Cold* is a file seen for the
first time; *warm* is the same file with a few more characters typed at its end, as an editor asks
at every keystroke. Both take turns, so that whatever else the machine does slows both; a ratio is
the median of the rounds' ratios, and above 1 the engine is faster.
"""

import argparse
import inspect
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from transformers.generation.streamers import BaseStreamer

from assistant.engine.engine import Engine
from assistant.engine.load import LoadOptions, load_model
from assistant.errors import AssistantError
from assistant.messages import CompletionRequest, SamplingParams
from assistant.prompts import Prompt
from assistant.registry import STARTER, locate
from bench.targets import report

TARGETS = {"cold_first_token": 0.9, "warm_first_token": 3.0, "decode_speed": 1.0}
TYPED = 6
"""Characters between a cold and a warm request."""
PROMPT_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Run:
    """One answer: seconds to its first token, and tokens a second from there on."""

    first: float
    speed: float


class Clock(BaseStreamer):
    """Notes when transformers has made a token; its first call brings the prompt."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: torch.Tensor) -> None:
        """Note the time."""
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing is left to do."""


def run_ours(engine: Engine, ids: tuple[int, ...], tokens: int) -> Run:
    """The engine's answer; its first token is timed where its text can be shown."""
    begun = time.perf_counter()
    chunks = engine.generate(Prompt(ids, frozenset()), SamplingParams(max_tokens=tokens))
    next(chunks)
    first = time.perf_counter()
    for _ in chunks:
        pass
    return Run(first - begun, (tokens - 1) / (time.perf_counter() - first))


def run_theirs(model: Any, ids: tuple[int, ...], tokens: int) -> Run:
    """What `generate` of transformers does with the same weights and its own attention."""
    ours = model.config._attn_implementation
    model.set_attn_implementation("sdpa")
    prompt = torch.tensor([ids], device=model.device)
    clock = Clock()
    begun = time.perf_counter()
    model.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        max_new_tokens=tokens,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
        streamer=clock,
    )
    ended = time.perf_counter()
    model.set_attn_implementation(ours)
    return Run(clock.times[1] - begun, (tokens - 1) / (ended - clock.times[1]))


def prompts(engine: Engine, number: int, tokens: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids of a file that no other round sees, and of the same with more typed at its end."""
    source = inspect.getsource(argparse)[number * 997 :]
    longest = PROMPT_CHARACTERS
    while True:
        requests = (
            CompletionRequest(source[:longest]),
            CompletionRequest(source[: longest + TYPED]),
        )
        cold, warm = (engine.loaded.renderer.complete(request).ids for request in requests)
        if len(warm) + tokens < engine.loaded.context:
            return cold, warm
        longest = longest * 3 // 4


def measure(engine: Engine, model: Any, rounds: int, tokens: int) -> list[dict[str, Run]]:
    """All rounds but the first, which only warms up."""
    found = []
    for number in range(rounds + 1):
        cold, warm = prompts(engine, number, tokens)
        engine.forget()
        found.append(
            {
                "ours cold": run_ours(engine, cold, tokens),
                "theirs cold": run_theirs(model, cold, tokens),
                "ours warm": run_ours(engine, warm, tokens),
                "theirs warm": run_theirs(model, warm, tokens),
            }
        )
    return found[1:]


def ratios(runs: Sequence[dict[str, Run]]) -> dict[str, dict[str, float | bool]]:
    """Each claim's ratio, its target, and whether it holds."""
    values = {
        "cold_first_token": [run["theirs cold"].first / run["ours cold"].first for run in runs],
        "warm_first_token": [run["theirs warm"].first / run["ours warm"].first for run in runs],
        "decode_speed": [run["ours cold"].speed / run["theirs cold"].speed for run in runs],
    }
    found: dict[str, dict[str, float | bool]] = {}
    for name, target in TARGETS.items():
        value = statistics.median(values[name])
        found[name] = {"value": round(value, 3), "target": target, "holds": value >= target}
    return found


def medians(runs: Sequence[dict[str, Run]]) -> dict[str, dict[str, float]]:
    """Milliseconds to the first token and tokens a second, of each kind of run."""
    return {
        name: {
            "first_token_ms": round(1000 * statistics.median(run[name].first for run in runs), 2),
            "tokens_per_second": round(statistics.median(run[name].speed for run in runs), 2),
        }
        for name in runs[0]
    }


def show(result: dict[str, Any]) -> None:
    """The table for people."""
    print(result["model"])
    print(f"{result['prompt_tokens']} prompt tokens, {result['rounds']} rounds, medians\n")
    print(f"{'':14}{'first token, ms':>17}{'tokens/s':>11}")
    for name, row in result["medians"].items():
        print(f"{name:14}{row['first_token_ms']:>17.1f}{row['tokens_per_second']:>11.1f}")
    print(f"\n{'ratio':20}{'value':>8}{'target':>9}")
    for name, ratio in result["ratios"].items():
        verdict = "" if ratio["holds"] else "  MISSED"
        print(f"{name:20}{ratio['value']:>8.2f}{ratio['target']:>9.2f}{verdict}")


def main() -> int:
    """Measure and report; 1 when a target is missed or there is no such model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", default=STARTER, help="a name or a folder")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quantization", choices=("none", "nf4"), default="none")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=48, help="of each answer")
    parser.add_argument("--threads", type=int, help="of PyTorch; fewer are steadier")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        load_options = LoadOptions(options.device, options.quantization)
        engine = Engine(load_model(locate(options.model), load_options))
        # With the layers that transformers itself puts there.
        theirs = replace(load_options, for_inference=False)
        model = load_model(locate(options.model), theirs).model
    except AssistantError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    runs = measure(engine, model, options.rounds, options.tokens)
    result = {
        "benchmark": "first_token",
        "model": engine.loaded.description.line(),
        "prompt_tokens": len(prompts(engine, 1, options.tokens)[0]),
        "rounds": options.rounds,
        "medians": medians(runs),
        "ratios": ratios(runs),
    }
    return report(result, show, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
