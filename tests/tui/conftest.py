"""The app in a terminal of Textual's, over a folder and a home of its own."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from assistant.config import Settings
from assistant_tui.app import AssistantApp
from assistant_tui.notes.editor import NoteEditor
from assistant_tui.notes.pane import NotePane
from assistant_tui.notes.review import Review
from assistant_tui.notes.screen import NotesScreen
from assistant_tui.remembered import Remembered
from tests.lsp.scripted_model import PATIENCE, ScriptedModel


class Home:
    """An app that runs, and what a test does with it."""

    def __init__(self, app: AssistantApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def screen(self) -> NotesScreen:
        return self.app.notes

    @property
    def pane(self) -> NotePane:
        return self.screen.pane

    @property
    def editor(self) -> NoteEditor:
        return self.pane.editor

    @property
    def text(self) -> str:
        return self.editor.note.text

    @property
    def review(self) -> Review:
        return self.screen.query_one(Review)

    @property
    def said(self) -> list[str]:
        """What the user was told."""
        return [one.message for one in self.app._notifications]

    async def until(self, holds: Callable[[], object], patience: float = PATIENCE) -> None:
        """Wait for something to become true."""
        end = time.monotonic() + patience
        while not holds():
            assert time.monotonic() < end, f"it never came to that; told: {self.said}"
            await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def open(self, path: Path) -> None:
        self.pane.open(path)
        await self.until(lambda: self.pane.path == path)

    async def saved(self, path: Path, text: str) -> None:
        """Wait until a file holds a text."""
        await self.until(lambda: path.exists() and path.read_bytes().decode() == text)

    async def proposed(self) -> None:
        """Wait for an answer that can be decided on."""
        await self.until(lambda: self.review.proposal is not None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "ideas").mkdir(parents=True)
    (folder / "ideas" / "today.md").write_text(
        "# Today\n\nTeh meeting is tomorow.\n\nNobody knows.\n"
    )
    (folder / "Reading.md").write_text("# Reading\n\nA book.\n")
    return folder


@pytest.fixture
def today(folder: Path) -> Path:
    return folder / "ideas" / "today.md"


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    """One that answers what is asked by hand, and suggests nothing while one writes."""
    with ScriptedModel(chat_only=True) as model:
        yield model


@asynccontextmanager
async def running(
    folder: Path,
    settings: Settings,
    *,
    size: tuple[int, int] = (100, 30),
    state: Remembered | None = None,
) -> AsyncIterator[Home]:
    """An app over a folder; it ends with the block."""
    app = AssistantApp(folder, settings, state)
    async with app.run_test(size=size) as pilot:
        home = Home(app, pilot)
        await home.until(lambda: app.screen is app.notes)
        yield home
        if app.is_running:
            for room in app.rooms.values():
                await room.finish()
            await app.runs.aclose()
            await app.model.aclose()


@pytest.fixture
async def home(folder: Path, model: ScriptedModel) -> AsyncIterator[Home]:
    async with running(folder, Settings(server_url=model.url)) as home:
        yield home
