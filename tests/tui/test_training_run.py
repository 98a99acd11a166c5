"""A real run of the starter, begun, left, found again, stopped and gone on with, in a terminal."""

import json
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from assistant.config import load_settings
from assistant.registry import adapter_named
from assistant_finetune.training.run_folder import RunFolder
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.terminal import Terminal, needs_tmux, terminal, until
from tests.tui.training_room import write_talks

pytestmark = [pytest.mark.e2e, needs_tmux]

LONG = 240.0
"""Seconds until a training process has loaded what it needs, on a machine that is busy."""
TYPED = (
    ("base", "starter"),
    ("name", "talks"),
    ("recipe", ""),
    ("method", "lora"),
    ("length", "64"),
    ("epochs", ""),
    ("steps", "2000"),
    ("rank", "4"),
)


@pytest.fixture
def environment(model: ScriptedModel) -> dict[str, str]:
    return {"ASSISTANT_SERVER_URL": model.url, "TERM": "screen-256color"}


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    return write_talks(tmp_path / "some talks.jsonl")


def begin(seen: Terminal, talks: Path) -> None:
    """Fill the form in, look at the plan, and begin."""
    seen.press("C-n")
    seen.until_seen("by the epochs")  # of the form
    seen.type(f"'{talks}'")
    seen.press("Up")
    for _, text in TYPED[:1]:
        seen.type(text)
    seen.press("Down")
    for _, text in TYPED[1:]:
        seen.press("Down")
        if text:
            seen.type(text)
    seen.press("F5")
    seen.until_seen("fits into", LONG)
    seen.press("C-s")


def lives(process: int) -> bool:
    """A process whose parent was killed may wait for long until somebody takes note of its end."""
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    return False


def step(run: RunFolder) -> int:
    measured = run.path / "metrics.jsonl"
    lines = measured.read_text().splitlines() if measured.exists() else []
    return max((json.loads(line)["step"] for line in lines), default=0)


def test_a_run_outlives_the_app_and_is_found_stopped_and_gone_on_with(
    folder: Path, tmp_path: Path, environment: dict[str, str], talks: Path
) -> None:
    run = RunFolder("talks")
    with terminal(folder, tmp_path / "one", environment=environment) as seen:
        seen.until_seen("Reading")
        seen.press("F7")
        begin(seen, talks)
        seen.until_seen("tokens/s", LONG)
        seen.until_seen("/2000", LONG)
        until(lambda: step(run), lambda now: now > 2, "to a third step", LONG)
        process = run.process
        seen.kill()
    try:
        assert process is not None and lives(process)
        with terminal(folder, tmp_path / "two", environment=environment) as seen:
            seen.until_seen("talks is being trained: F7 shows it")
            seen.press("F7")
            before = step(run)
            until(lambda: step(run), lambda now: now > before, "any further", LONG)
            seen.until_seen("Stop")
            seen.press("s")
            seen.until_seen("Stop the training of talks?")
            seen.press("Down", "Enter")
            seen.until_seen("R goes on", LONG)
            stopped = step(run)
            assert run.checkpoints.steps()[-1] == stopped
            until(lambda: lives(process), lambda lives: not lives, "to an end")
            run.change(run.settings().with_changes(max_steps=stopped + 3))
            seen.press("r")
            seen.until_seen("✓ trained", LONG)
            seen.press("u")
            seen.until_seen("talks is used from now on", LONG)
            seen.press("C-q")
    finally:
        for left in filter(None, (process, run.process)):
            if lives(left):
                psutil.Process(left).send_signal(signal.SIGKILL)
    assert step(run) == stopped + 3
    assert adapter_named("talks").is_for("starter")
    assert load_settings().adapter == str(adapter_named("talks").folder)
