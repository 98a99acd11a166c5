"""How the models' screen looks, in three sizes and two themes."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from assistant.config import Settings
from assistant_tui.models.rows import AdapterRow, ModelRow
from assistant_tui.remembered import Remembered
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import Home
from tests.tui.shelf import GB, FixedApp, FixedCommands, Shelf, plan
from tests.tui.test_snapshots import SIZES, Compare


def row(name: str, billions: float, *here: str, kind: str = "chat") -> ModelRow:
    count = int(billions * GB)
    return ModelRow(
        name=name,
        kind=kind,
        parameters=count,
        context=4096,
        chat_format="vicuna_v1.1",
        fim_format="none",
        licence="Llama 2 Community",
        here=here,
        interrupted=(),
        download_bytes={"full": 2 * count, "gptq": count * 6 // 10},
    )


@pytest.fixture
def told() -> FixedCommands:
    """A machine of 24 GB, a model that is asked, and others that fit more or less."""
    told = FixedCommands()
    told.rows = (
        row("scripted", 6.7, "full", "gptq"),
        row("笔记-7b", 7.2, "full"),
        row("vicuna-13b", 13.0),
        row("vicuna-33b", 32.5),
        row("codellama-34b-instruct-hf", 33.7, kind="code"),
        row("llama2-70b-chat", 69.0),
    )
    cpu = {"name": "cpu", "title": "8 cores", "total_bytes": 25 * GB, "free_bytes": 22 * GB}
    told.told = {
        "devices": [cpu],
        "plans": [
            plan("scripted", "bf16", "fits", (13.5, 2.1, 1.3), 4.2),
            plan("scripted", "int4", "fits", (4.3, 2.1, 1.3), 11.7),
            plan("scripted-gptq", "gptq", "fits", (3.9, 2.1, 1.4), 11.2),
            plan("笔记-7b", "bf16", "tight", (15.2, 6.1, 1.9)),
            plan("vicuna-13b", "bf16", "too large", (26.0, 1.7, 1.5)),
            plan("vicuna-13b", "int4", "fits", (8.1, 1.7, 1.5)),
            plan("vicuna-33b", "int4", "tight", (19.2, 3.3, 1.6)),
            plan("codellama-34b-instruct-hf", "int4", "too large", (19.7, 1.6, 3.9)),
            plan("llama2-70b-chat", "int4", "too large", (38.5, 0.7, 2.2)),
        ],
    }
    told.adapter_rows = (
        AdapterRow("mine", "scripted", "nf4", 1_280, 41_000_000, True, True),
        AdapterRow("日记", "scripted", None, None, 9_400_000, False, False),
    )
    return told


def scene(act: Callable[[Shelf], Awaitable[None]]) -> Callable[[Pilot[Any]], Any]:
    """What is done before the picture is taken."""

    async def before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, FixedApp)
        home = Home(app, pilot)
        await home.until(lambda: app.screen is app.notes)
        await home.press("f6")
        shelf = Shelf(home)
        await home.until(lambda: shelf.known.plans and shelf.known.asked == "scripted")
        await home.until(lambda: shelf.screen.models.highlighted)
        await act(shelf)
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()

    return before


@pytest.mark.parametrize("theme", ["ink", "paper"])
@pytest.mark.parametrize("size", SIZES)
def test_what_fits(
    folder: Path,
    model: ScriptedModel,
    told: FixedCommands,
    snap_compare: Compare,
    size: tuple[int, int],
    theme: str,
) -> None:
    async def nothing(shelf: Shelf) -> None:
        await shelf.until(lambda: shelf.line("scripted").startswith("▌"))

    app = FixedApp(folder, Settings(server_url=model.url), Remembered(theme=theme), told)
    assert snap_compare(app, terminal_size=size, run_before=scene(nothing))


@pytest.mark.parametrize("theme", ["ink", "ansi-dark"])
def test_a_pull(
    folder: Path, model: ScriptedModel, told: FixedCommands, snap_compare: Compare, theme: str
) -> None:
    async def pull(shelf: Shelf) -> None:
        await shelf.go_to("vicuna-13b")
        await shelf.press("p")
        await shelf.until(lambda: shelf.home.app.screen is not shelf.screen)
        await shelf.press("end", "enter")
        report = {"done_bytes": 3 * GB, "total_bytes": 8 * GB, "bytes_per_second": 41e6}
        told.reports.put_nowait({"checking": False, "resumes_in": 0.0, **report})
        await shelf.until(lambda: "3.0 GB of 8.0 GB" in shelf.detail)

    app = FixedApp(folder, Settings(server_url=model.url), Remembered(theme=theme), told)
    assert snap_compare(app, terminal_size=SIZES[1], run_before=scene(pull))


def test_the_details_have_a_tiny_screen_for_themselves(
    folder: Path, model: ScriptedModel, told: FixedCommands, snap_compare: Compare
) -> None:
    async def look(shelf: Shelf) -> None:
        await shelf.press("right", "pagedown")

    app = FixedApp(folder, Settings(server_url=model.url), Remembered(theme="ink"), told)
    assert snap_compare(app, terminal_size=SIZES[2], run_before=scene(look))
