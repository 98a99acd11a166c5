"""A run that was killed at any moment ends as if nothing had happened, to the last bit."""

import random
import time
from pathlib import Path
from typing import Any

import pytest

from assistant import paths
from assistant_finetune.training.metrics import read_metrics
from tests.finetune.training.interrupted import runs

STEPS = 6
KILLS = 2


def project(folder: Path) -> Path:
    folder.mkdir()
    rng = random.Random(4)
    for number in range(6):
        lines = [
            f"def step_{number}_{place}(value: int) -> int:\n    return value + {rng.random()}\n"
            for place in range(12)
        ]
        (folder / f"part_{number}.py").write_text("\n\n".join(lines))
    return folder


@pytest.mark.parametrize("kind", ["nf4", "gptq"])
def test_killed_at_random_steps_it_ends_bit_equal(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    told: dict[str, Any] = {
        "base": "starter" if kind == "nf4" else str(request.getfixturevalue("starter_gptq")),
        "data": [str(project(tmp_path / "project"))],
        "method": "qlora",
        "max_length": 128,
        "max_steps": STEPS,
        "batch_size": 2,
        "micro_batch_size": 1,
        "learning_rate": 1e-3,
        "rank": 4,
        "dropout": 0.1,
        "neftune": 5.0,
        "held_out": 0.3,
        "evaluate_every": 2,
    }
    rng = random.Random()
    with runs(KILLS + 2) as (whole, *others):
        whole.begin({**told, "name": "whole"})
        expected = whole.result()
        for number, run in enumerate(others):
            run.begin({**told, "name": "killed"} if number == 0 else {"resume": "killed"})
            if run is others[-1]:
                found = run.result()
                break
            last = rng.randrange(2, STEPS)
            for message in run.messages():
                if message.get("step", 0) >= last:
                    break
            time.sleep(rng.random() * 0.3)  # anywhere between one step and the next
            run.process.kill()
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (found / name).read_bytes() == (expected / name).read_bytes()
    measured = [
        read_metrics(paths.runs_dir() / name / "metrics.jsonl") for name in ("whole", "killed")
    ]
    told_twice = [[(one.step, one.loss, one.held_out_loss) for one in each] for each in measured]
    assert told_twice[0] == told_twice[1]
    assert not list((paths.runs_dir() / "killed" / "checkpoints").glob(".unfinished/*"))
