"""How training looks, in three sizes and two themes."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from assistant.config import Settings
from assistant_finetune.training.run_folder import RunFolder
from assistant_tui.app import AssistantApp
from assistant_tui.remembered import Remembered
from assistant_tui.training.plan_view import PlanView
from assistant_tui.training.run_form import RunForm
from assistant_tui.training.samples import SamplesView
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import Home
from tests.tui.test_chat_snapshots import utc as utc
from tests.tui.test_snapshots import SIZES, Compare
from tests.tui.training_room import NOON, TrainingRoom, measured, run_folder

PLAN = {
    "name": "my-style",
    "base": "vicuna-7b",
    "device": "cuda:0",
    "fits": True,
    "free_bytes": 24_000_000_000,
    "needed_bytes": 15_600_000_000,
    "memory": {
        "weights": 4_100_000_000,
        "adapters": 320_000_000,
        "gradients": 320_000_000,
        "optimizer": 640_000_000,
        "activations": 6_900_000_000,
        "logits": 2_620_000_000,
        "heap": 0,
        "runtime": 700_000_000,
    },
    "settings": {
        "method": "qlora",
        "max_length": 2048,
        "batch_size": 16,
        "rank": 64,
        "learning_rate": 0.0002,
        "checkpointing": True,
        "unpacked": None,
    },
}
SAMPLE = {
    "origin": "chats.json:3",
    "length": 11,
    "learned": 5,
    "tokens": [
        {"text": text, "learned": learned, "control": text in ("<s>", "</s>")}
        for text, learned in (
            ("<s>", False),
            ("USER", False),
            (":", False),
            (" What", False),
            (" is", False),
            (" 圆?", False),
            (" ASSISTANT:", False),
            (" A", True),
            (" round", True),
            (" form", True),
            (" [bold].\x1b\n", True),
            ("</s>", True),
        )
    ],
}


class ReadSamples(SamplesView):
    """Samples that were read already."""

    def _ask(self) -> None:
        self.post_message(self.Read(SAMPLE))
        self.post_message(self.Ended())


@pytest.fixture(autouse=True)
def short_paths(sealed_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures show paths from the user's home, wherever that is."""
    monkeypatch.setenv("HOME", str(sealed_home))


@pytest.fixture
def runs() -> Iterator[None]:
    """One under way, one that broke off, and one that came to its end."""
    going = run_folder("vicuna-diary", measured(84, 200), changed=NOON, data=("日记", "history"))
    broken = NOON - timedelta(hours=3)
    run_folder("my-style@2", measured(31, 200), changed=broken)
    run_folder("my-style", measured(200, 200), done=True, changed=NOON - timedelta(hours=5))
    with RunFolder(going.name).locked():
        yield


async def entered(pilot: Pilot[Any]) -> TrainingRoom:
    """The screen, once the model and the runs are there, with no message over it."""
    app = pilot.app
    assert isinstance(app, AssistantApp)
    home = Home(app, pilot)
    room = TrainingRoom(home)
    await home.until(lambda: app.screen is app.notes)
    await room.enter()
    await home.until(lambda: "scripted" in str(app.training.query_one("#right", Static).render()))
    await home.until(lambda: app._seen is not None)
    app.clear_notifications()
    return room


def scene(act: Callable[[TrainingRoom], Awaitable[None]]) -> Callable[[Pilot[Any]], Any]:
    async def before(pilot: Pilot[Any]) -> None:
        room = await entered(pilot)
        await act(room)
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()

    return before


async def watch(room: TrainingRoom) -> None:
    await room.until(lambda: len(room.listed) == 3)
    room.screen.query_one("#runs OptionList").focus()
    await room.until(lambda: "84/200" in room.words("#steps"))


async def plan(room: TrainingRoom) -> None:
    await room.until(lambda: len(room.listed) == 3)
    await room.press("ctrl+n")
    for line in room.screen.query(Input):
        line.cursor_blink = False
    await room.fill(base="vicuna-7b", name="my-style", data="history ~/chats.json")
    await room.home.pilot.pause()  # what is typed takes a plan away
    room.screen.query_one(RunForm).post_message(RunForm.Planned(PLAN))
    await room.until(lambda: room.screen.query_one(PlanView).display)


@pytest.mark.parametrize("theme", ["ink", "paper"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("runs")
def test_run(
    folder: Path, model: ScriptedModel, snap_compare: Compare, size: tuple[int, int], theme: str
) -> None:
    app = AssistantApp(folder, Settings(server_url=model.url), Remembered(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=scene(watch))


@pytest.mark.parametrize("theme", ["ink", "paper"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("runs")
def test_form(
    folder: Path, model: ScriptedModel, snap_compare: Compare, size: tuple[int, int], theme: str
) -> None:
    app = AssistantApp(folder, Settings(server_url=model.url), Remembered(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=scene(plan))


@pytest.mark.parametrize("theme", ["ink", "ansi-dark"])
@pytest.mark.usefixtures("runs")
def test_samples(folder: Path, model: ScriptedModel, snap_compare: Compare, theme: str) -> None:
    async def samples(room: TrainingRoom) -> None:
        await watch(room)
        app = room.home.app
        app.push_screen(ReadSamples(("chats.json",), "", ""))
        await room.until(lambda: app.screen.query("ReadSamples #tokens"))
        tokens = app.screen.query_one("#tokens", Static)
        await room.until(lambda: "round form" in str(tokens.render()))

    app = AssistantApp(folder, Settings(server_url=model.url), Remembered(theme=theme))
    assert snap_compare(app, terminal_size=SIZES[1], run_before=scene(samples))


@pytest.mark.usefixtures("runs")
def test_sixteen_colours(folder: Path, model: ScriptedModel, snap_compare: Compare) -> None:
    app = AssistantApp(folder, Settings(server_url=model.url), Remembered(theme="ansi-dark"))
    assert snap_compare(app, terminal_size=SIZES[1], run_before=scene(watch))


@pytest.mark.parametrize("size", SIZES[1:])
def test_no_runs_yet(
    folder: Path, model: ScriptedModel, snap_compare: Compare, size: tuple[int, int]
) -> None:
    async def nothing(room: TrainingRoom) -> None:
        await room.until(lambda: "No runs yet" in room.words("#no-runs"))

    app = AssistantApp(folder, Settings(server_url=model.url), Remembered(theme="ink"))
    assert snap_compare(app, terminal_size=size, run_before=scene(nothing))
