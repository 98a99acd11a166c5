"""How it looks, in three sizes and two themes; `pytest --snapshot-update` takes new pictures."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from assistant.config import Settings
from assistant_tui.app import AssistantApp
from assistant_tui.notes.wish_menu import WishMenu
from assistant_tui.remembered import Remembered
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import Home

NOTE = """# Garden

Teh tomatoes was planted in *may*, and we will water it every day. 番茄很好吃。

- [ ] **buy** seeds
- [x] dig, see `plan.md`

> Patience is the gardener's virtue.
"""
POLISHED = "The tomatoes were planted in *May*, and we will water them every day. 番茄很好吃。"
SIZES = [(120, 36), (80, 24), (40, 12)]

Compare = Callable[..., bool]


@pytest.fixture
def garden(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "journal").mkdir(parents=True)
    (folder / "journal" / "monday.md").write_text("# Monday\n\nRain.\n")
    (folder / "garden.md").write_text(NOTE)
    return folder


def scene(garden: Path, act: Callable[[Home], Awaitable[None]]) -> Callable[[Pilot[Any]], Any]:
    """What is done before the picture is taken."""

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, AssistantApp)
        home = Home(app, pilot)
        await home.until(lambda: app.screen is app.notes)
        await home.open(garden / "garden.md")
        await home.until(
            lambda: "scripted" in str(home.screen.query_one("#right", Static).render())
        )
        home.editor.cursor_blink = False
        home.editor.move_cursor((2, 0))
        await act(home)
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()

    return before


@pytest.mark.parametrize("theme", ["ink", "paper"])
@pytest.mark.parametrize("size", SIZES)
def test_review(
    garden: Path,
    model: ScriptedModel,
    snap_compare: Compare,
    size: tuple[int, int],
    theme: str,
) -> None:
    model.answers(POLISHED)

    async def review(home: Home) -> None:
        await home.press("ctrl+r")
        await home.proposed()
        await home.press("right", "space")

    app = AssistantApp(garden, Settings(server_url=model.url), Remembered(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=scene(garden, review))


@pytest.mark.parametrize("theme", ["ink", "paper"])
def test_preview_and_menu(
    garden: Path, model: ScriptedModel, snap_compare: Compare, theme: str
) -> None:
    async def menu(home: Home) -> None:
        await home.press("ctrl+g")
        await home.until(lambda: isinstance(home.app.screen, WishMenu))

    own = {"Friendly": "Say it in a friendlier way."}
    settings = Settings(server_url=model.url, instructions=own)
    app = AssistantApp(garden, settings, Remembered(theme=theme, preview=True))
    assert snap_compare(app, terminal_size=SIZES[0], run_before=scene(garden, menu))


def test_search(garden: Path, model: ScriptedModel, snap_compare: Compare) -> None:
    async def search(home: Home) -> None:
        await home.press("ctrl+f")
        home.app.screen.query_one(Input).cursor_blink = False
        await home.press(*"rain")
        found = home.app.screen.query_one(OptionList)
        await home.until(lambda: found.option_count == 1)

    app = AssistantApp(garden, Settings(server_url=model.url), Remembered(theme="ink"))
    assert snap_compare(app, terminal_size=SIZES[1], run_before=scene(garden, search))
