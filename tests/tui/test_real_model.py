"""The starter behind the app: a server that it starts by itself, and its answers."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import OptionList, Static

from assistant.client.record import read_record
from assistant.config import Settings
from assistant.paths import adapters_dir
from assistant.registry import locate
from assistant_tui.chat.attaching import attach
from assistant_tui.dialogs import Choose
from assistant_tui.remembered import Remembered
from tests.engine.tiny import save_adapter
from tests.server.processes import end_recorded_server
from tests.tui.conftest import Home, running
from tests.tui.room import chatting
from tests.tui.shelf import shelf_of

TEXT = """# Meeting

We discused teh plan yesterday, and everyone agree with it.

```python
teh = 1
```
"""

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def servers_end() -> Iterator[None]:
    yield
    end_recorded_server()


def model_line(home: Home) -> str:
    return str(home.screen.query_one("#right", Static).render())


async def test_a_server_is_started_and_polishes(folder: Path) -> None:
    note = folder / "meeting.md"
    note.write_text(TEXT)
    async with running(folder, Settings()) as home:
        await home.until(lambda: "server" in model_line(home))  # it says what it waits for
        await home.open(note)
        await home.press("ctrl+home", *"x ", "backspace", "backspace")  # nobody waits meanwhile
        home.editor.move_cursor((2, 0))
        await home.press("ctrl+r")
        await home.proposed()
        assert "starter" in model_line(home)
        await home.press("enter")
        assert home.text != TEXT
        assert "discussed" in home.text or "the plan" in home.text
        assert home.text.endswith("```python\nteh = 1\n```\n")
        await home.saved(note, home.text)


async def test_a_small_model_says_what_it_was_never_taught(folder: Path) -> None:
    async with running(folder, Settings(instructions={"Rhyme": "Make it rhyme."})) as home:
        await home.open(folder / "Reading.md")
        home.editor.move_cursor((2, 0))
        await home.press("ctrl+g", "end", "enter")
        await home.until(lambda: any("use a larger model" in line for line in home.said))


async def test_a_chat_with_the_starter(folder: Path) -> None:
    async with chatting(folder, Settings()) as room:
        room.talk.composer.put("Polish: teh cat sat on teh mat.")
        await room.press("enter")
        waited_for: set[str] = set()

        def ended() -> bool:
            waited_for.add(room.notice)
            return bool(room.talk.path) and not room.talk.writing

        await room.until(ended)
        # What there was to wait for: a fast machine has some of it behind it already.
        waits = ("looking for starter", "starting the model server", "loading starter")
        assert any(wait in line for wait in waits for line in waited_for)
        await room.until(lambda: not room.notice)
        question, answer = room.talk.path
        assert (answer.speaker, answer.model) == ("assistant", "starter")
        assert answer.text.strip()
        await room.press("ctrl+r")
        await room.until(lambda: not room.talk.writing and len(room.talk.branches.turns) == 3)
        assert room.talk.path[0] == question


async def test_the_adapter_of_a_conversation_answers(folder: Path) -> None:
    save_adapter(locate("starter").folder, adapters_dir() / "mine")
    async with chatting(folder, Settings()) as room:
        await room.press("ctrl+t")
        await room.until(lambda: isinstance(room.home.app.screen, Choose))
        offered = room.home.app.screen.query_one(OptionList)
        assert offered.get_option("starter:mine")
        await room.press("end", "enter")
        await room.until(lambda: room.talk.chat.model == "starter:mine")
        await room.ask("Hello?")
        await room.until(lambda: not room.talk.writing and len(room.talk.path) == 2)
        assert room.talk.path[1].model == "starter:mine"
        shutil.rmtree(adapters_dir() / "mine")
        await room.press("ctrl+r")
        await room.until(lambda: "no adapter of that name" in room.notice)


async def test_an_adapter_is_switched_to_without_another_server(folder: Path) -> None:
    save_adapter(locate("starter").folder, adapters_dir() / "mine")
    async with shelf_of(folder, Settings()) as shelf:
        await shelf.until(lambda: shelf.line("starter").startswith("▌●"))
        begun = read_record()
        await shelf.go_to("starter")
        await shelf.until(lambda: shelf.adapters)
        await shelf.press("right", "tab", "enter")
        await shelf.until(lambda: "starter with mine" in shelf.model_line)
        await shelf.press("u")
        await shelf.until(lambda: shelf.line("starter").startswith("▌ starter"))
        assert begun is not None
        assert read_record() == begun


async def test_what_the_model_cannot_read_is_said_in_a_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("x = [1, 2, 3]\n" * 5_000)
    async with chatting(folder, Settings()) as room:
        room.talk.attach(attach(tmp_path / "long.py"))
        await room.ask("Explain")
        await room.until(lambda: "shorten it by" in room.notice)


async def test_the_starter_suggests_in_a_note_when_it_is_told_to(folder: Path) -> None:
    # Which even so small a model goes on with in the line, in whatever precision.
    note, line = folder / "server.md", "The server is started when the"
    note.write_text(f"# Server\n\n{line}\n")
    async with running(folder, Settings(), state=Remembered(suggestions="on")) as home:
        await home.until(lambda: model_line(home).strip() == "● starter")
        await home.open(note)
        home.editor.move_cursor((2, len(line)))
        home.editor.insert(" first request")
        await home.until(lambda: home.editor.ghost)
        before, ghost = home.editor.document.get_line(2), home.editor.ghost
        await home.press("end")
        assert home.editor.document.get_line(2) == before + ghost
        await home.saved(note, home.text)
