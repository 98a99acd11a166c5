"""The chat of an app, and what a test does in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import Markdown, OptionList, Static

from assistant.config import Settings
from assistant.history import Chats, Turn
from assistant_tui.chat.dialogue import Dialogue
from assistant_tui.chat.talk import Talk
from assistant_tui.chat.turn_view import TurnView
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import Home, running


class Room:
    """The chat of an app that runs, and what a test does in it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.until = home.until
        self.press = home.press

    @property
    def talk(self) -> Talk:
        return self.home.app.chat.talk

    @property
    def typed(self) -> str:
        return self.talk.composer.text

    @property
    def shown(self) -> list[str]:
        """The words of the turns that are laid out, as they can be read."""
        found = []
        for view in self.talk.query_one(Dialogue).views:
            words = view.query(".words")
            found.append(
                str(words.first(Static).render())
                if words
                else view.query_one(Markdown).source.strip()
            )
        return found

    @property
    def notice(self) -> str:
        line = self.talk.query_one("#notice", Static)
        return str(line.render()) if line.display else ""

    @property
    def titles(self) -> list[str]:
        rows = self.home.app.chat.query_one("#chats").query_one(OptionList)
        prompts = [str(rows.get_option_at_index(n).prompt) for n in range(rows.option_count)]
        return [prompt.split("\n")[0].strip("▌● ") for prompt in prompts]

    async def type(self, text: str) -> None:
        names = {" ": "space", "\n": "ctrl+j"}
        await self.press(*(names.get(letter, letter) for letter in text))

    async def ask(self, text: str) -> None:
        await self.type(text)
        await self.press("enter")

    async def answered(self, *texts: str) -> None:
        """Wait until these turns are shown, and nothing is written any more."""
        await self.until(lambda: not self.talk.writing and self.shown == list(texts))

    async def focus(self, at: int) -> TurnView:
        """Go to one of the turns that are laid out."""
        view = self.talk.query_one(Dialogue).views[at]
        view.focus()
        await self.until(lambda: view.has_focus)
        return view


@asynccontextmanager
async def chatting(folder: Path, settings: Settings) -> AsyncIterator[Room]:
    async with running(folder, settings) as home:
        await home.press("f4")
        room = Room(home)
        await home.until(lambda: home.app.screen is home.app.chat)
        await home.until(lambda: room.talk.composer.field.has_focus)
        await home.pilot.pause(0.05)
        yield room


def kept() -> list[tuple[str, list[Turn]]]:
    """All that is on the disk, the newest conversation first."""
    chats = Chats()
    try:
        return [(chat.title, list(chats.tree(chat.id).turns)) for chat in chats.find()]
    finally:
        chats.close()


@pytest.fixture
async def room(folder: Path, model: ScriptedModel) -> AsyncIterator[Room]:
    async with chatting(folder, Settings(server_url=model.url)) as room:
        yield room
