"""The training screen over runs on the disk: found, followed, planned, refused, stopped."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.widgets import Static

from assistant import paths
from assistant.config import Settings, load_settings
from assistant_finetune.training.metrics import Measured
from assistant_finetune.training.run_folder import ADAPTER
from assistant_tui.dialogs import Choose
from assistant_tui.plots import Legend
from assistant_tui.training.run_form import RunForm
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import running
from tests.tui.training_room import SLOW, TrainingRoom, measure, measured, run_folder, training

HOLDER = """
import signal, sys, time
from assistant_finetune.training.run_folder import RunFolder
signal.signal(signal.SIGINT, signal.default_int_handler)  # which shells have some ignore
run = RunFolder(sys.argv[1])
try:
    with run.locked():
        print("held", flush=True)
        time.sleep(600)
except KeyboardInterrupt:
    sys.exit(130)
"""
"""A process that holds a run as one that trains it does."""


class Holder:
    def __init__(self, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, name], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None and self.process.stdout.readline()

    def end(self, how: int = signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
async def room(folder: Path, model: ScriptedModel) -> AsyncIterator[TrainingRoom]:
    async with training(folder, Settings(server_url=model.url)) as room:
        yield room


async def test_there_is_a_word_where_there_are_no_runs(room: TrainingRoom) -> None:
    await room.until(lambda: "No runs yet" in room.words("#no-runs"))
    assert room.footer == {"New run", "Notes", "Models", "Evaluations"}
    await room.press("escape")
    await room.until(lambda: room.home.app.screen is room.home.app.notes)
    await room.press("f4", "f7", "f4")
    assert room.home.app.screen is room.home.app.notes


async def test_runs_are_found_and_one_is_shown(folder: Path, model: ScriptedModel) -> None:
    now = datetime.now(UTC)
    run_folder("old", measured(200, 200), done=True, changed=now - timedelta(days=400))
    run_folder("new", measured(30, 200), changed=now - timedelta(minutes=1))
    async with training(folder, Settings(server_url=model.url)) as room:
        await room.until(lambda: len(room.listed) == 2)
        assert room.listed[0].startswith("‖ new 30/200 ")
        assert room.listed[1].startswith("✓ old 1.")
        await room.until(lambda: "30/200" in room.words("#steps"))
        assert "interrupted at step 30: R goes on" in room.words("#state")
        assert "history, ~/code" in room.words("#about")
        assert {"Go on", "Tokens"} <= room.footer
        assert room.footer.isdisjoint({"Stop", "Use", "Report"})
        room.screen.query_one("#runs OptionList").focus()
        await room.press("down")
        await room.until(lambda: "✓ trained" in room.words("#state"))
        await room.until(lambda: {"Use", "Report"} <= room.footer)
        assert room.footer.isdisjoint({"Stop", "Go on"})
        assert "report.html" in room.words("#about")


async def test_what_was_left_is_told_once_at_the_start(folder: Path, model: ScriptedModel) -> None:
    now = datetime.now(UTC)
    run_folder("first", measured(12, 200), changed=now - timedelta(hours=1))
    run_folder("second", measured(3, 200), changed=now - timedelta(hours=2))
    run_folder("ancient", measured(3, 200), changed=now - timedelta(days=90))
    async with running(folder, Settings(server_url=model.url)) as home:
        await home.until(lambda: home.said)
        told = ["The training of first was interrupted at step 12: F7"]
        assert home.said == told
        room = TrainingRoom(home)
        await room.enter()
        await home.until(lambda: len(room.listed) == 3 and "12/200" in room.words("#steps"))
        assert home.said in (told, [])  # which goes away by itself


async def test_long_ago_is_not_told(folder: Path, model: ScriptedModel) -> None:
    run_folder("old", measured(3, 200), changed=datetime.now(UTC) - timedelta(days=90))
    async with training(folder, Settings(server_url=model.url)) as room:
        await room.until(lambda: room.listed)
        assert room.home.said == []


async def test_a_run_of_another_terminal_is_followed_to_its_end(room: TrainingRoom) -> None:
    run = run_folder("mine")
    holder = Holder("mine")
    await room.until(lambda: room.listed and "●" in room.listed[0])
    measure(run, Measured(1, 4, 1.0, loss=2.5, seconds_left=75.0))
    await room.until(lambda: "1/4 1:15 left" in " ".join(room.words("#steps").split()))
    assert room.listed[0] == "● mine 1/4 2.500"
    measure(run, Measured(2, 4, 2.0, held_out_loss=2.25))
    measure(run, Measured(2, 4, 2.0, loss=1.5, learning_rate=1e-3))
    loss = room.screen.query_one("#loss")
    await room.until(lambda: "held out 2.250" in str(loss.border_title))
    assert "1.500" in str(loss.border_title)
    assert "0.001" in str(room.screen.query_one("#rate").border_title)
    (run.path / ADAPTER).mkdir()
    holder.end()
    await room.until(lambda: "✓ mine" in room.listed[0])
    assert room.home.said == ["mine is being trained: F7 shows it"] or room.home.said == [
        "mine is trained: F7 shows it"
    ]


async def test_a_run_that_is_killed_is_told_with_its_last_words(room: TrainingRoom) -> None:
    run_folder("mine", measured(2, 200))
    log = paths.log_dir() / "training-mine.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("a remark\nassistant: cuda:0 ran [out] of memory\n")
    holder = Holder("mine")
    await room.until(lambda: room.listed and "●" in room.listed[0])
    holder.end()
    await room.until(lambda: "‖" in room.listed[0])
    await room.until(lambda: len(room.home.said) == 1)
    assert room.home.said[0].endswith("broke off at step 2: cuda:0 ran [out] of memory")
    assert "ran [out] of memory" in room.words("#state")


async def test_a_run_that_goes_on_begins_its_measurements_anew(room: TrainingRoom) -> None:
    """What was measured behind its checkpoint is forgotten here, too."""
    run = run_folder("mine", measured(20, 200))
    await room.until(lambda: "20/200" in room.words("#steps"))
    kept = "".join(run.path.joinpath("metrics.jsonl").read_text().splitlines(keepends=True)[:5])
    paths.write_atomically(run.path / "metrics.jsonl", kept)
    await room.until(lambda: "5/200" in room.words("#steps"))


async def test_stopping_asks_first(room: TrainingRoom) -> None:
    run_folder("mine", measured(2, 200))
    holder = Holder("mine")
    await room.until(lambda: "Stop" in room.footer)
    await room.press("s")
    await room.until(lambda: isinstance(room.home.app.screen, Choose))
    await room.press("escape")
    await room.until(lambda: room.home.app.screen is room.screen)
    assert holder.process.poll() is None
    await room.press("s", "down", "enter")
    await room.until(lambda: "stopping" in room.words("#state"))
    reaped = asyncio.create_task(asyncio.to_thread(holder.process.wait))
    await room.until(lambda: "mine is stopped. R goes on with it." in room.home.said)
    assert await reaped == 130
    holder.end()
    await room.until(lambda: "‖" in room.listed[0])
    assert not [line for line in room.home.said if "broke off" in line]


async def test_the_form_shows_the_plan_and_keeps_what_is_refused(room: TrainingRoom) -> None:
    await room.press("ctrl+n")
    await room.until(lambda: room.line("data").has_focus)
    assert {"Start", "Plan", "Tokens"} <= room.footer
    await room.press("ctrl+s")
    await room.until(lambda: "say what to learn from" in room.words("#told"))
    await room.fill(base="sarter", data="history 'my notes'", rank="8")
    await room.press("f5")
    await room.until(lambda: room.words("#told").startswith("✗"))
    assert "sarter" in room.words("#told")
    await room.fill(base="starter", rank="many")
    await room.press("f5")
    await room.until(lambda: "'--rank'" in room.words("#told"))
    await room.fill(rank="8", data='history "notes')
    await room.press("f5")
    await room.until(lambda: "quotation mark" in room.words("#told"))
    await room.fill(data="history", name="mine")
    await room.press("enter")
    await room.until(lambda: "fits into" in room.words("#verdict"), SLOW)
    assert "rank 8" in room.words("#chosen") and room.words("#chosen").startswith("mine: ")
    assert "█ weights" in str(room.screen.query_one(Legend).render())
    await room.press("escape")
    await room.until(lambda: not room.line("data").has_focus)
    await room.press("ctrl+n")
    assert room.screen.query_one(RunForm).typed == {
        **dict.fromkeys(("recipe", "method", "length", "epochs", "steps", "rate"), ""),
        "base": "starter",
        "data": "history",
        "name": "mine",
        "rank": "8",
    }


async def test_a_run_that_fails_before_it_is_one_says_why(room: TrainingRoom) -> None:
    await room.press("ctrl+n")
    await room.fill(data="/nowhere/at/all")
    await room.press("ctrl+s")
    await room.until(lambda: room.words("#told").startswith("✗"), SLOW)
    assert "/nowhere/at/all" in room.words("#told")
    assert room.line("data").value == "/nowhere/at/all"
    assert not list(paths.runs_dir().glob("*"))


async def test_the_adapter_is_taken_into_use(folder: Path, model: ScriptedModel) -> None:
    adapter = paths.adapters_dir() / "mine"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "starter"}')
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    run_folder("mine", measured(200, 200), done=True)
    async with training(folder, Settings(server_url=model.url)) as room:
        await room.until(lambda: "Use" in room.footer)
        await room.press("u")
        await room.until(lambda: "mine is used from now on, on starter." in room.home.said)
    assert load_settings().adapter == str(adapter)


async def test_without_an_adapter_use_says_what_is_wrong(room: TrainingRoom) -> None:
    run_folder("mine", measured(200, 200), done=True)
    await room.until(lambda: "Use" in room.footer)
    await room.press("u")
    await room.until(lambda: room.home.said)
    assert "there is no adapter mine" in room.home.said[0]


async def test_the_report_is_opened_by_the_system(
    room: TrainingRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_folder("mine", measured(200, 200), done=True)
    await room.until(lambda: "Report" in room.footer)
    opener = tmp_path / "bin" / ("open" if sys.platform == "darwin" else "xdg-open")
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", str(opener.parent), prepend=os.pathsep)
    await room.press("o")
    await room.until(lambda: (tmp_path / "opened").exists())
    await room.until(
        lambda: (tmp_path / "opened").read_text().strip() == str(run.path / "report.html")
    )
    shutil.rmtree(opener.parent)
    monkeypatch.setenv("PATH", str(tmp_path))
    await room.press("o")
    await room.until(lambda: room.home.said)
    assert str(run.path / "report.html") in room.home.said[-1]


async def test_samples_show_what_is_learned(room: TrainingRoom, tmp_path: Path) -> None:
    notes = tmp_path / "some notes"
    notes.mkdir()
    for number in range(3):
        (notes / f"{number}.md").write_text(f"# Note [{number}]\n\nSome words, 字.\n")
    await room.press("ctrl+n")
    await room.fill(data=f"'{notes}'", length="64")
    await room.press("ctrl+t")
    app = room.home.app
    await room.until(lambda: app.screen.query("SamplesView #tokens"))

    def seen(name: str) -> str:
        return str(app.screen.query_one(name, Static).render())

    await room.until(lambda: "# Note [0]" in seen("#tokens"), SLOW)
    assert "learned" in seen("#counted")
    await room.press("right", "right")
    await room.until(lambda: "# Note [2]" in seen("#tokens") and "字" in seen("#tokens"))
    await room.press("right")
    await room.until(lambda: "# Note [2]" in seen("#tokens"), SLOW)  # there are no more
    await room.press("left")
    await room.until(lambda: "# Note [1]" in seen("#tokens"))
    styles = {
        str(span.style)
        for span in app.screen.query_one("#tokens", Static).render().spans  # type: ignore[union-attr]
    }
    assert any("success" in style for style in styles)
    await room.press("escape")
    await room.until(lambda: app.screen is room.screen)
    assert room.line("length").value == "64"


async def test_samples_of_nothing_say_so(room: TrainingRoom, tmp_path: Path) -> None:
    await room.press("ctrl+n")
    await room.fill(data=str(tmp_path / "nothing"))
    await room.press("ctrl+t")
    app = room.home.app
    await room.until(lambda: app.screen.query("SamplesView #tokens"))
    tokens = app.screen.query_one("#tokens", Static)
    await room.until(lambda: "nothing" in str(tokens.render()), SLOW)
