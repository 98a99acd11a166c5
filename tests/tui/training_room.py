"""Training runs on the disk, and what a test does on their screen."""

import json
import math
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from textual.widgets import Input, OptionList, Static

from assistant.config import Settings
from assistant_finetune.training.metrics import Measured, as_line
from assistant_finetune.training.recipes import read_settings
from assistant_finetune.training.run_folder import (
    ADAPTER,
    METRICS_FILE,
    REPORT_FILE,
    SETTINGS_FILE,
    RunFolder,
)
from assistant_tui.training.screen import TrainingScreen
from tests.tui.conftest import Home, running

NOON = datetime.now(UTC).replace(hour=12, minute=0)
"""Of today, so that pictures show the time alone."""


def write_talks(file: Path) -> Path:
    """Conversations of which a model learns a habit."""
    talks = (
        [
            {"role": "user", "content": f"What is {number} and {number}?"},
            {"role": "assistant", "content": f"It is {2 * number}, as everybody knows."},
        ]
        for number in range(40)
    )
    file.write_text("".join(json.dumps({"messages": talk}) + "\n" for talk in talks))
    return file


def measured(steps: int, of: int) -> list[Measured]:
    """A loss that falls, measured on what is held out at every tenth step."""
    found = []
    for step in range(1, steps + 1):
        values = Measured(
            step,
            of,
            float(step * 2),
            loss=1.2 + 2.5 * math.exp(-step / 20) + 0.15 * math.sin(step * 1.7),
            learning_rate=2e-4 * (1 - step / of),
            learned_per_second=820 + 40 * math.sin(step / 5),
            memory_bytes=1_100_000_000 + step * 100_000,
            seconds_left=float((of - step) * 2),
        )
        found.append(values)
        if step % 10 == 0:
            held = 1.4 + 2.4 * math.exp(-step / 25)
            found.append(Measured(step, of, float(step * 2), held_out_loss=held))
    return found


def run_folder(
    name: str,
    found: Sequence[Measured] = (),
    *,
    done: bool = False,
    changed: datetime | None = None,
    data: tuple[str, ...] = ("history", "~/code"),
) -> RunFolder:
    """A run's folder as a real run leaves it, but for checkpoints and data."""
    run = RunFolder(name)
    adapter = name.partition("@")[0]
    run.create(read_settings({"name": adapter, "data": data, "max_steps": 200}))
    (run.path / METRICS_FILE).write_text("".join(map(as_line, found)))
    if done:
        (run.path / ADAPTER).mkdir()
        (run.path / REPORT_FILE).write_text("<!doctype html><title>A run</title>")
    if changed is not None:
        for file in (SETTINGS_FILE, METRICS_FILE):
            os.utime(run.path / file, (changed.timestamp(), changed.timestamp()))
    return run


def measure(run: RunFolder, one: Measured) -> None:
    """Write what a run measures next."""
    with (run.path / METRICS_FILE).open("a") as file:
        file.write(as_line(one))


SLOW = 120.0
"""Seconds for a command that imports what trains, on a machine that is busy."""


class TrainingRoom:
    """The training screen of an app that runs."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.until = home.until
        self.press = home.press

    @property
    def screen(self) -> TrainingScreen:
        return self.home.app.training

    @property
    def listed(self) -> list[str]:
        rows = self.screen.query_one("#runs").query_one(OptionList)
        found = (str(rows.get_option_at_index(at).prompt) for at in range(rows.option_count))
        return [" ".join(row.split()) for row in found]

    def words(self, name: str) -> str:
        """What one of the texts says."""
        return str(self.screen.query_one(name, Static).render())

    @property
    def footer(self) -> set[str]:
        """What the keys do that are shown."""
        bindings = self.home.app.screen.active_bindings.values()
        return {one.binding.description for one in bindings if one.binding.show and one.enabled}

    def line(self, key: str) -> Input:
        return self.screen.query_one(f"#setting-{key}", Input)

    async def fill(self, **typed: str) -> None:
        """Type into lines of the form."""
        for key, text in typed.items():
            self.line(key).focus()
            self.line(key).value = text
        await self.home.pilot.pause()

    async def enter(self) -> None:
        await self.press("f7")
        await self.until(lambda: self.home.app.screen is self.screen and self.screen.is_mounted)


@asynccontextmanager
async def training(
    folder: Path, settings: Settings, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[TrainingRoom]:
    async with running(folder, settings, size=size) as home:
        room = TrainingRoom(home)
        await room.enter()
        yield room
