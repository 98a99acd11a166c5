"""The models' room of an app, and what a test does in it."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.widgets import Input, Static

from assistant.config import Settings
from assistant_tui.app import AssistantApp
from assistant_tui.models.commands import Commands
from assistant_tui.models.detail import Detail
from assistant_tui.models.known import Known
from assistant_tui.models.rows import AdapterRow, ModelRow
from assistant_tui.models.screen import ModelsScreen
from assistant_tui.remembered import Remembered
from tests.tui.conftest import Home, running

GB = 1_000_000_000
_PATIENCE = 60.0


class Shelf:
    """The room of an app that runs."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.press = home.press

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for something to become true; commands are processes, which take their time."""
        await self.home.until(holds, _PATIENCE)

    @property
    def screen(self) -> ModelsScreen:
        return self.home.app.models

    @property
    def known(self) -> Known:
        return self.screen._known

    @property
    def lines(self) -> list[str]:
        """What the list shows, line by line."""
        rows = self.screen.models.rows
        found = [str(rows.get_option_at_index(n).prompt) for n in range(rows.option_count)]
        return [" ".join(line.split()) for line in found]

    def line(self, name: str) -> str:
        """The line of a model; empty where there is none."""
        return next((line for line in self.lines if name in line.split()), "")

    @property
    def detail(self) -> str:
        """What is said of the highlighted model."""
        parts = self.screen.query_one(Detail).query(Static)
        return "\n".join(str(part.render()) for part in parts if part.display)

    @property
    def adapters(self) -> list[str]:
        rows = self.screen.query_one(Detail).adapters
        return [str(rows.get_option_at_index(n).prompt) for n in range(rows.option_count)]

    @property
    def model_line(self) -> str:
        return str(self.screen.query_one("#right", Static).render())

    async def go_to(self, name: str) -> None:
        """Highlight a model by typing its name."""
        self.screen.action_search()
        words = self.screen.models.query_one(Input)
        words.value = name
        await self.until(lambda: self.line(name))
        await self.press("enter")
        await self.until(lambda: self.screen.models.rows.has_focus)
        rows = self.screen.models.rows
        rows.highlighted = rows.get_option_index(name)
        await self.until(lambda: self.screen.models.highlighted == name)


@asynccontextmanager
async def shelf_of(folder: Path, settings: Settings) -> AsyncIterator[Shelf]:
    """The room, once the disk is read."""
    async with running(folder, settings) as home:
        await home.press("f6")
        shelf = Shelf(home)
        await home.until(lambda: home.app.screen is home.app.models)
        await shelf.until(lambda: shelf.known.rows)
        yield shelf


class FixedCommands(Commands):
    """Tells what a test writes down, whatever machine it runs on; nothing is changed."""

    def __init__(self) -> None:
        self.rows: tuple[ModelRow, ...] = ()
        self.adapter_rows: tuple[AdapterRow, ...] = ()
        self.told: dict[str, Any] = {"devices": [], "plans": []}
        self.measured: dict[str, Any] = {}
        self.reports: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def models(self) -> tuple[ModelRow, ...]:
        return self.rows

    async def adapters(self) -> tuple[AdapterRow, ...]:
        return self.adapter_rows

    async def plan(self, *names: str) -> dict[str, Any]:
        return {**self.told, "plans": [] if names else self.told["plans"]}

    async def measure(self, name: str) -> dict[str, Any]:
        return self.measured

    async def pull(self, name: str, variant: str) -> AsyncGenerator[dict[str, Any], None]:
        while True:
            yield await self.reports.get()


class FixedApp(AssistantApp):
    """The app with such commands."""

    CSS_PATH = str(Path(inspect.getfile(AssistantApp)).with_name("app.tcss"))

    def __init__(self, root: Path, settings: Settings, state: Remembered, told: Commands) -> None:
        super().__init__(root, settings, state)
        self.models = ModelsScreen(self.model, told)
        self.rooms["models"] = self.models


def plan(
    name: str, storage: str, fit: str, gigabytes: tuple[float, float, float], speed: float = 0.0
) -> dict[str, Any]:
    """A plan as the command tells it: the weights, the cache and the rest in gigabytes."""
    weights, cache, rest = (int(part * GB) for part in gigabytes)
    needed = weights + cache + rest
    memory = {"weights": weights, "copies": 0, "cache": cache, "working": rest, "runtime": 0}
    return {
        "name": name,
        "storage": storage,
        "context": 2048,
        "device": "cpu",
        "fit": fit,
        "memory": {**memory, "needed": needed, "total": needed},
        "tokens_per_second": speed or None,
        "first_token_seconds": 40 / speed if speed else None,
        "settings": {"model": name},
    }
