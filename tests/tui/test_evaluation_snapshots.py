"""How evaluations look, in three sizes and two themes."""

import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from assistant.config import Settings
from assistant_tui.app import AssistantApp
from assistant_tui.evaluation.forms import MmluForm
from assistant_tui.remembered import Remembered
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import Home
from tests.tui.evaluations import Evaluations, right, write_diagnosis, write_mmlu
from tests.tui.test_snapshots import SIZES, Compare

SUBJECTS = {"anatomy": 4, "astronomy": 7, "formal_logic": 2, "high_school_european_history": 9}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def runs(sealed_home: Path) -> None:
    """Three of them, one interrupted."""
    both = ("harness", "old-harness")
    write_mmlu("base", right(**SUBJECTS), model="vicuna-13b", protocols=both)
    better = {**SUBJECTS, "anatomy": 9, "astronomy": 6}
    write_mmlu("mine", right(**better), model="vicuna-13b", adapter="mine", protocols=both, days=1)
    write_mmlu("half", right(**SUBJECTS), quantization="int4", days=2, answered=18)
    write_diagnosis()
    # What the screen says of places is not the same on every machine.
    for report in sealed_home.glob("data/evaluations/*/report.html"):
        report.unlink()


def scene(act: Callable[[Evaluations], Awaitable[None]]) -> Callable[[Pilot[Any]], Any]:
    """What is done before the picture is taken."""

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, AssistantApp)
        home = Home(app, pilot)
        await home.until(lambda: app.screen is app.notes)
        evaluations = Evaluations(home)
        await evaluations.enter()
        right = app.evaluation.query_one("#right", Static)
        await home.until(lambda: "scripted" in str(right.render()))
        await home.until(lambda: app.evaluation._diagnosis is not None)
        await act(evaluations)
        await home.until(lambda: app.screen.query("FooterKey") or app.screen.is_modal)
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()

    return before


def app(folder: Path, model: ScriptedModel, theme: str) -> AssistantApp:
    return AssistantApp(folder, Settings(server_url=model.url), Remembered(theme=theme))


@pytest.mark.parametrize("theme", ["ink", "paper"])
@pytest.mark.parametrize("size", SIZES)
def test_scores(
    folder: Path, model: ScriptedModel, snap_compare: Compare, size: tuple[int, int], theme: str
) -> None:
    async def scores(evaluations: Evaluations) -> None:
        # Where there is little room, what is chosen takes all of it.
        await evaluations.press("down", "space" if size[0] > 60 else "enter")
        await evaluations.until_shown("macro")

    shown = app(folder, model, theme)
    assert snap_compare(shown, terminal_size=size, run_before=scene(scores))


@pytest.mark.parametrize("theme", ["ink", "paper"])
@pytest.mark.parametrize("size", SIZES)
def test_comparison(
    folder: Path, model: ScriptedModel, snap_compare: Compare, size: tuple[int, int], theme: str
) -> None:
    async def comparison(evaluations: Evaluations) -> None:
        await evaluations.press("down", "down", "space", "up", "space")
        await evaluations.until_shown("B - A is")

    shown = app(folder, model, theme)
    assert snap_compare(shown, terminal_size=size, run_before=scene(comparison))


@pytest.mark.parametrize("theme", ["ink", "ansi-dark"])
def test_diagnosis(folder: Path, model: ScriptedModel, snap_compare: Compare, theme: str) -> None:
    async def diagnosis(evaluations: Evaluations) -> None:
        await evaluations.press("d")
        await evaluations.until_shown("Evidence")

    shown = app(folder, model, theme)
    assert snap_compare(shown, terminal_size=SIZES[1], run_before=scene(diagnosis))


@pytest.mark.parametrize("size", SIZES)
def test_form(
    folder: Path, model: ScriptedModel, snap_compare: Compare, size: tuple[int, int]
) -> None:
    async def form(evaluations: Evaluations) -> None:
        await evaluations.press("down")
        await evaluations.until(lambda: evaluations.screen._sheets)
        await evaluations.press("n")
        home = evaluations.home
        await home.until(lambda: isinstance(home.app.screen, MmluForm))
        for field in home.app.screen.query(Input):
            field.cursor_blink = False

    shown = app(folder, model, "ansi-dark")
    assert snap_compare(shown, terminal_size=size, run_before=scene(form))
