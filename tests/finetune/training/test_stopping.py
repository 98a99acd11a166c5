"""Runs as a list, and one that is told to stop: it ends where it can go on from."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assistant import paths
from assistant.cli.app import app
from assistant.errors import UsageError
from assistant_finetune.training.metrics import Metrics, read_metrics
from assistant_finetune.training.recipes import read_settings
from assistant_finetune.training.run_folder import ADAPTER, METRICS_FILE, RunFolder
from tests.finetune.training.interrupted import runs
from tests.finetune.training.test_resume import project
from tests.test_import_hygiene import HEAVY, loaded_after

STEPS = 6


def told(*arguments: str) -> Any:
    answer = CliRunner().invoke(app, ["finetune", *arguments, "--json"], catch_exceptions=False)
    assert answer.exit_code == 0
    return json.loads(answer.stdout)


def made(name: str, *steps: tuple[int, float], done: bool = False) -> RunFolder:
    run = RunFolder(name)
    run.create(read_settings({"name": name.partition("@")[0], "data": ("a.md",), "max_steps": 4}))
    metrics = Metrics(run.path / METRICS_FILE, 4, lambda: 1, lambda: 2, lambda _: None)
    for step, loss in steps:
        metrics.log({"step": step, "loss": loss})
    if done:
        metrics.log({"step": 4, "held_out_loss": 1.25})
        (run.path / ADAPTER).mkdir()
    return run


def test_all_runs_are_listed_the_newest_first() -> None:
    assert told("--runs") == []
    done = made("mine", (4, 1.5), done=True)
    broken_off = made("mine@2", (1, 2.5), (2, 2.25))
    begun = made("other")
    for age, file in enumerate(
        (broken_off.path / METRICS_FILE, begun.path / "settings.toml", done.path / METRICS_FILE)
    ):
        os.utime(file, (1000 - age, 1000 - age))
    with begun.locked():
        found = told("--runs")
        in_words = CliRunner().invoke(app, ["finetune", "--runs"]).stdout.splitlines()
    shown = [[one[key] for key in ("name", "adapter", "state", "step", "steps")] for one in found]
    assert shown == [
        ["mine@2", "mine", "interrupted", 2, 4],
        ["other", "other", "under way", 0, 4],
        ["mine", "mine", "done", 4, 4],
    ]
    assert [one["process"] for one in found] == [None, os.getpid(), None]
    assert found[0]["loss"] == 2.25 and found[0]["held_out_loss"] is None
    assert found[2]["held_out_loss"] == 1.25 and found[2]["result"] == "adapter"
    assert Path(found[0]["metrics"]) == broken_off.path / METRICS_FILE
    assert in_words[0].split()[:6] == ["mine@2", "interrupted,", "step", "2", "of", "4"]
    assert "under way" in in_words[1] and "done" in in_words[2]


def test_a_run_whose_settings_are_broken_is_listed_nevertheless() -> None:
    run = made("mine", (1, 2.5))
    (run.path / "settings.toml").write_text("= 1")
    (one,) = told("--runs")
    assert (one["name"], one["base"], one["step"]) == ("mine", "", 1)


def test_listing_loads_no_model_library() -> None:
    made("mine", (1, 2.5))
    program = (
        "from typer.testing import CliRunner\n"
        "from assistant.cli.app import app\n"
        "assert 'mine' in CliRunner().invoke(app, ['finetune', '--runs']).stdout"
    )
    assert loaded_after(program).isdisjoint({*HEAVY, "numpy"})


def test_what_cannot_be_stopped_or_said_together_is_refused() -> None:
    made("mine", (1, 2.5))
    for arguments, words in (
        (["--stop", "mine"], "mine is not under way"),
        (["--stop", "yours"], "no run is called yours"),
        (["--stop", "mine", "--rank", "4"], "--stop stops a run: give nothing else"),
        (["--runs", "--resume", "mine"], "give nothing else"),
    ):
        with pytest.raises(UsageError, match=words):
            CliRunner().invoke(app, ["finetune", *arguments], catch_exceptions=False)


def test_who_only_looks_at_a_run_keeps_none_from_beginning() -> None:
    """A hundred times its lock is held for a moment, as it is when somebody looks."""
    run = made("mine")
    looking = "\n".join(
        [
            "from assistant_finetune.training.run_folder import RunFolder",
            "run = RunFolder('mine')",
            "print('looking', flush=True)",
            "while run.path.exists(): run.is_under_way",
        ]
    )
    with subprocess.Popen([sys.executable, "-c", looking], stdout=subprocess.PIPE) as looker:
        assert looker.stdout is not None and looker.stdout.readline()
        try:
            for _ in range(100):
                with run.locked():
                    assert run.process in (None, os.getpid())
        finally:
            looker.kill()


def test_a_stopped_run_keeps_its_last_step_and_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    told_all: dict[str, Any] = {
        "data": [str(project(tmp_path / "project"))],
        "method": "lora",
        "max_length": 128,
        "max_steps": STEPS,
        "batch_size": 2,
        "micro_batch_size": 1,
        "learning_rate": 1e-3,
        "rank": 4,
        "dropout": 0.1,
        "held_out": 0.3,
        "evaluate_every": STEPS,  # no checkpoint before the end but for the one of the stop
    }
    with runs(3) as (whole, stopped, again):
        stopped.begin({**told_all, "name": "stopped"})
        assert next(one for one in stopped.messages() if one.get("step") == 2)
        one = told("--stop", "stopped")
        assert one["state"] == "interrupted" and one["process"] is None
        assert 2 <= one["step"] < STEPS
        assert RunFolder("stopped").checkpoints.steps() == [one["step"]]
        whole.begin({**told_all, "name": "whole"})
        expected = whole.result()
        again.begin({"resume": "stopped"})
        found = again.result()
    name = "adapter_model.safetensors"
    assert (found / name).read_bytes() == (expected / name).read_bytes()
    losses = [
        [one.loss for one in read_metrics(paths.runs_dir() / run / METRICS_FILE)]
        for run in ("whole", "stopped")
    ]
    assert losses[0] == losses[1]
