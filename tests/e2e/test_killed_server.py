"""The model server dies in the middle of an answer, again and again, and the editor goes on."""

import asyncio
import os
import signal
import statistics
import time
from contextlib import closing
from typing import Any

import pytest

from assistant.client.health import ask_health
from assistant.client.record import read_record
from assistant.history import History
from tests.lsp.editor import Editor, at, span
from tests.lsp.scripted_model import PATIENCE
from tests.server.processes import end_recorded_server, start_recorded_server

ASKED = os.environ.get("ASSISTANT_TEST_KILLS")
"""How often; where it is said, the time until there are suggestions again is held to as well."""
KILLS = int(ASKED or 3)
SECONDS = 5.0
"""From the kill to the next suggestion, on a machine with nothing else to do."""
LONG = {"completion": {"maxTokens": 1024, "maxLines": 100, "budgetMs": 0, "ahead": False}}
BEGIN = "import os\n\n\ndef first(path):\n    "
MORE = "return path\n\n\ndef name_{}(path, other):\n    "

Shown = set[tuple[int, str]]
"""Suggestions, by the line in which they stood."""

pytestmark = pytest.mark.e2e


async def test_the_server_is_killed_while_it_writes() -> None:
    shown: Shown = set()
    seconds: list[float] = []
    try:
        await start_recorded_server()
        async with Editor({}) as editor:
            await editor.start(options=LONG)
            editor.open(BEGIN)
            line = BEGIN.count("\n")
            await editor.until(lambda: asks(editor, line, shown), "shown")
            for number in range(KILLS):
                text = MORE.format(number)
                while not (writing := await begun(editor, text, line, shown)):
                    line += text.count("\n")
                line += text.count("\n")
                killed = time.monotonic()
                note((await writing)["items"], line, shown)  # answered, be it with nothing
                await editor.until(lambda: asks(editor, line, shown), "shown")  # noqa: B023
                seconds.append(time.monotonic() - killed)
            told = [one["value"].get("title") for one in editor.got("$/progress")]
            assert told.count("loading starter …") == 1 + KILLS, "each new start is seen"
            await editor.request("shutdown", None)
            editor.notify("exit", None)
            await editor.process.wait()
    finally:
        end_recorded_server()
    with closing(History()) as history:
        recorded = [one.text for one in history.find()]
    print(
        f"from kill to suggestion: {statistics.median(seconds):.2f} s, at most {max(seconds):.2f}"
    )
    assert sorted(recorded) == sorted(text for _, text in shown), "each is recorded, and once"
    assert not ASKED or max(seconds) < SECONDS


async def begun(editor: Editor, text: str, line: int, shown: Shown) -> "asyncio.Future[Any] | None":
    """Have the model write behind `text`, and kill its server while it does.

    Returns the editor's request, or None where the model was too quick to be caught.
    """
    editor.change(text, span(line, 4, line, 4))
    waiting = editor.ask_ghost(line + text.count("\n"), 4)
    record = read_record()
    assert record is not None
    async with asyncio.timeout(PATIENCE):
        while not waiting.done():
            health = await asyncio.to_thread(ask_health, record)
            if health is not None and health.running:
                os.kill(record.pid, signal.SIGKILL)
                return waiting
    note((await waiting)["items"], line + text.count("\n"), shown)
    return None


async def asks(editor: Editor, line: int, shown: Shown) -> str:
    """Ask for ghost text; whether there is some."""
    result = await editor.request("textDocument/inlineCompletion", at(line, 4))
    return note(result["items"], line, shown)


def note(items: list[dict[str, str]], line: int, shown: Shown) -> str:
    """Remember what was shown; the same in the same place is one suggestion."""
    shown.update((line, item["insertText"]) for item in items)
    return "shown" if items else ""
