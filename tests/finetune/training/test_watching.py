"""Looking on at a run from another terminal: what it measures, and how it ends."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.cli.app import app
from assistant.errors import AssistantError, UsageError
from assistant_finetune.training.following import follow
from assistant_finetune.training.metrics import Measured, Metrics
from assistant_finetune.training.recipes import read_settings
from assistant_finetune.training.run_folder import ADAPTER, METRICS_FILE, RunFolder, next_run

Step = Callable[[], object]


@pytest.fixture
def run() -> RunFolder:
    run = next_run("mine")
    run.create(read_settings({"name": "mine"}))
    return run


def metrics(run: RunFolder) -> Metrics:
    return Metrics(run.path / METRICS_FILE, 4, lambda: 100, lambda: 10**9, lambda _: None)


def finish(run: RunFolder) -> None:
    (run.path / ADAPTER).mkdir()


def seen(run: RunFolder, *steps: Step) -> list[Measured]:
    """What a watcher sees of a run that does one of these things between any two looks."""
    left: Iterator[Step] = iter(steps)
    with run.locked():
        looks = list(follow(run, lambda: next(left)()))
    assert [look.end for look in looks] == [None] * len(steps) + ["done"]
    return [one for look in looks for one in look.measured]


def test_each_measurement_is_seen_once_up_to_the_last(run: RunFolder) -> None:
    writing = metrics(run)

    def last() -> None:
        writing.log({"step": 2, "loss": 1.5})
        finish(run)

    found = seen(
        run,
        lambda: None,  # while the base is loading
        lambda: writing.log({"step": 1, "loss": 2.5}),
        lambda: writing.log({"step": 1, "held_out_loss": 2.0}),
        lambda: (run.path / METRICS_FILE).open("a").write('{"step": 9'),  # half a line
        lambda: (run.path / METRICS_FILE).open("a").write("9}\n"),
        last,
    )
    assert [(one.step, one.loss, one.held_out_loss) for one in found] == [
        (1, 2.5, None),
        (1, None, 2.0),
        (2, 1.5, None),
    ]
    assert found[0].memory_bytes == 10**9


def test_steps_behind_a_checkpoint_that_it_goes_on_from_come_again(run: RunFolder) -> None:
    writing = metrics(run)
    found = seen(
        run,
        *(lambda step=step: writing.log({"step": step, "loss": 3.0 - step}) for step in (1, 2)),
        lambda: writing.go_on_from(1),
        lambda: writing.log({"step": 2, "loss": 1.25}),
        lambda: finish(run),
    )
    assert [(one.step, one.loss) for one in found] == [(1, 2.0), (2, 1.0), (2, 1.25)]


def test_an_interrupted_run_is_said_to_be_one_and_how_to_go_on(run: RunFolder) -> None:
    metrics(run).log({"step": 3, "loss": 1.0})
    with pytest.raises(
        AssistantError,
        match="mine was interrupted at step 3 of 4: `assistant finetune --resume mine` goes on",
    ):
        CliRunner().invoke(app, ["finetune", "--watch", "mine"], catch_exceptions=False)
    with pytest.raises(UsageError, match="no run is called yours: there are mine"):
        CliRunner().invoke(app, ["finetune", "--watch", "yours"], catch_exceptions=False)
    with pytest.raises(UsageError, match="--watch looks on"):
        arguments = ["finetune", "--watch", "mine", "--rank", "4"]
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_what_is_no_terminal_gets_lines(run: RunFolder) -> None:
    metrics(run).log({"step": 4, "loss": 1.0})
    metrics(run).log({"step": 4, "held_out_loss": 1.5})
    finish(run)
    told = CliRunner().invoke(app, ["finetune", "--watch", "mine", "--json"])
    assert [json.loads(line)["step"] for line in told.stdout.splitlines()] == [4, 4]
    assert "has come to its end at step 4 of 4" in told.stderr
    in_words = CliRunner().invoke(app, ["finetune", "--watch", "mine"]).stdout.splitlines()
    assert in_words[0].startswith("step 4/4, loss 1.000, ") and "1.0 GB" in in_words[0]
    assert "loss on what is held out 1.500" in in_words[1]
    finished = next_run("mine")
    finished.create(read_settings({"name": "mine"}))
    with pytest.raises(AssistantError, match="mine@2 was interrupted before its first step"):
        CliRunner().invoke(app, ["finetune", "--watch", "mine"], catch_exceptions=False)


def test_a_terminal_gets_a_bar(run: RunFolder, tmp_path: Path) -> None:
    writing = metrics(run)
    writing.log({"step": 1, "held_out_loss": 2.25})
    writing.log({"step": 2, "loss": 1.5})
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "assistant", "finetune", "--watch", "mine"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "150"}
    text = ""
    with (
        run.locked(),
        subprocess.Popen(
            command, stdout=theirs, stderr=theirs, stdin=theirs, env=environment
        ) as process,
    ):
        os.close(theirs)
        while "2.250 on what is held out" not in text:
            text += os.read(ours, 4096).decode("utf-8", "replace")
        finish(run)
        while "has come to its end" not in text:
            text += os.read(ours, 4096).decode("utf-8", "replace")
        assert process.wait() == 0
    os.close(ours)
    assert "step 2/4, loss 1.500" in text
