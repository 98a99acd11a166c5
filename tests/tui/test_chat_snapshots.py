"""How the chat looks, in three sizes and two themes."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from assistant.config import Settings
from assistant.history import Attachment, Chat, Chats, Turn
from assistant_tui.app import AssistantApp
from assistant_tui.chat.dialogue import Dialogue
from assistant_tui.remembered import Remembered
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import Home
from tests.tui.test_snapshots import SIZES, Compare

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANSWER = """A generator **yields** one value at a time, so nothing is held in memory:

```python
def squares(limit: int) -> Iterator[int]:
    for number in range(limit):
        yield number * number  # 平方
```

- `next()` goes on behind the last `yield`
- it ends with `StopIteration`
"""


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def conversations() -> None:
    """Two of them, the newer one with two branches, a rating and an attachment."""
    chats = Chats()
    older = Chat("周末计划 Plan of the weekend", changed=NOON - timedelta(days=3))
    chats.ask(older, Turn("user", "周末计划 Plan of the weekend", time=NOON))
    chat = Chat("What is a generator?", "Be brief.", "starter:mine", changed=NOON)
    question = Turn("user", "What is a generator?", time=NOON)
    chats.ask(chat, question)
    for text, thumb in (("A function.", "down"), (ANSWER, "up")):
        answer = Turn(
            "assistant",
            text,
            question.id,
            model="starter:mine",
            thumb="up" if thumb == "up" else "down",
            time=NOON + timedelta(seconds=20),
        )
        chats.answer(chat.id, answer)
    attached = (Attachment("/home/me/code.py", "x = 1\ny = 2\n"),)
    later = NOON + timedelta(minutes=2)
    chats.ask(chat, Turn("user", "And in this file?", answer.id, attached, time=later))
    chats.close()


@pytest.mark.parametrize("theme", ["ink", "paper"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.usefixtures("conversations")
def test_conversation(
    folder: Path, model: ScriptedModel, snap_compare: Compare, size: tuple[int, int], theme: str
) -> None:
    async def chat(pilot: Pilot[Any]) -> None:
        home = await entered(pilot)
        dialogue = home.app.chat.talk.query_one(Dialogue)
        await home.until(lambda: len(dialogue.views) == 3)
        dialogue.views[1].focus()
        await home.until(lambda: dialogue.views[1].has_focus)
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()

    app = AssistantApp(folder, Settings(server_url=model.url), Remembered(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=chat)


@pytest.mark.parametrize("theme", ["ink", "ansi-dark"])
def test_nothing_said_yet(
    folder: Path, model: ScriptedModel, snap_compare: Compare, theme: str
) -> None:
    async def chat(pilot: Pilot[Any]) -> None:
        await entered(pilot)
        await pilot.wait_for_scheduled_animations()
        await pilot.pause()

    app = AssistantApp(folder, Settings(server_url=model.url), Remembered(theme=theme))
    assert snap_compare(app, terminal_size=SIZES[1], run_before=chat)


async def entered(pilot: Pilot[Any]) -> Home:
    """The chat, once the model and the list are there."""
    app = pilot.app
    assert isinstance(app, AssistantApp)
    home = Home(app, pilot)
    await home.until(lambda: app.screen is app.notes)
    await pilot.press("f4")
    await home.until(lambda: app.screen is app.chat and app.chat.talk.composer.field.has_focus)
    app.chat.talk.composer.field.cursor_blink = False
    await home.until(lambda: "scripted" in str(app.chat.query_one("#right", Static).render()))
    await home.until(lambda: app.chat.query_one("#none", Static).display or app.chat._chats)
    return home
