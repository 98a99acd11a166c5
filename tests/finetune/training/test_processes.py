"""Two processes that share the rows of a step learn what one of them learns alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from assistant import paths
from assistant.errors import UsageError
from assistant_finetune.training.listening import Listener
from assistant_finetune.training.metrics import Measured, read_metrics
from assistant_finetune.training.recipes import read_settings
from assistant_finetune.training.run import plan, start

STEPS = 24
# Answers of all lengths: no two processes learn as many tokens in a step.
TALKS = [
    {
        "messages": [
            {"role": "user", "content": f"Count to {number % 11}."},
            {"role": "assistant", "content": " ".join(map(str, range(number % 11 + 1)))},
        ]
    }
    for number in range(60)
]
SETTINGS: dict[str, Any] = {
    "max_length": 96,
    "max_steps": STEPS,
    "batch_size": 4,
    "micro_batch_size": 1,
    "evaluate_every": 3,
    "rank": 4,
    "held_out": 0.2,
    "learning_rate": 1e-2,
    "packing": False,
    "method": "lora",
}


@pytest.fixture
def config(llama: Path, tmp_path: Path) -> Path:
    file = tmp_path / "talks.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in TALKS))
    settings = {**SETTINGS, "base": str(llama), "data": [str(file)]}
    config = tmp_path / "run.toml"
    config.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))
    return config


def finetune(*options: str) -> "subprocess.Popen[str]":
    """The command in two processes; the sealed home is in the environment."""
    shared = ("--processes", "2", "--device", "cpu", "--json")
    return subprocess.Popen(
        [sys.executable, "-m", "assistant", "finetune", *shared, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def measured(name: str) -> list[Measured]:
    return read_metrics(paths.runs_dir() / name / "metrics.jsonl")


def test_two_processes_learn_what_one_learns_and_go_on_where_they_were_killed(config: Path) -> None:
    whole = finetune("--config", str(config), "--name", "whole")
    told, errors = whole.communicate()
    assert whole.returncode == 0, errors
    outcome = json.loads(told)  # of one process: the other says nothing
    assert outcome["name"] == "whole" and outcome["steps"] == STEPS

    start(read_settings({"name": "alone"}, file=config), Listener(), "cpu")
    alone, together = measured("alone"), measured("whole")
    assert [one.step for one in alone] == [one.step for one in together]
    for one, two in zip(alone, together, strict=True):
        if one.loss is not None:
            assert two.loss == pytest.approx(one.loss, abs=1e-3)
        if one.held_out_loss is not None:
            assert two.held_out_loss == pytest.approx(one.held_out_loss, abs=1e-3)
    assert alone[0].loss is not None and alone[-2].loss is not None
    assert alone[-2].loss < alone[0].loss / 2  # there was something to learn

    killed = finetune("--config", str(config), "--name", "killed")
    while not [one for one in measured("killed") if one.step > 4]:
        assert killed.poll() is None, killed.communicate()
    psutil.Process(killed.pid).children()[-1].kill()
    told, errors = killed.communicate()
    assert killed.returncode == 1 and "killed by signal 9" in errors
    assert "Traceback" not in errors

    resumed = finetune("--resume", "killed")
    told, errors = resumed.communicate()
    assert resumed.returncode == 0, errors
    first, second = (paths.adapters_dir() / name for name in ("whole", "killed"))
    file = "adapter_model.safetensors"
    assert (first / file).read_bytes() == (second / file).read_bytes()


def test_a_step_that_cannot_be_shared_is_refused(config: Path) -> None:
    settings = read_settings({}, file=config)
    assert plan(settings, "cpu", 2)[0].needed == 2 * plan(settings, "cpu", 2)[0].memory.total
    with pytest.raises(UsageError, match="4 rows cannot be shared by 3 processes"):
        plan(settings, "cpu", 3)
