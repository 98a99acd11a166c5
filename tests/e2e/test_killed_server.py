"""The model server dies in the middle of an answer, again and again, and the editor goes on."""

import os
import signal
from contextlib import closing

import pytest

from assistant.client.record import read_record
from assistant.history import History
from tests.lsp.editor import Editor, span
from tests.server.processes import end_recorded_server

KILLS = int(os.environ.get("ASSISTANT_TEST_KILLS", "3"))
LONG = {"completion": {"maxTokens": 1024, "maxLines": 100, "budgetMs": 0, "ahead": False}}

pytestmark = pytest.mark.e2e


async def test_the_server_is_killed_while_it_writes() -> None:
    shown: list[str] = []
    try:
        async with Editor({}) as editor:
            await editor.start(options=LONG)
            editor.open("import os\n\n\ndef first(path):\n    ")
            line = 4
            for number in range(KILLS):
                await editor.until(lambda: asks(editor, line, shown), "shown")  # noqa: B023
                record = read_record()
                assert record is not None
                os.kill(record.pid, signal.SIGKILL)
                text = f"return path\n\n\ndef name_{number}(path, other):\n    "
                editor.change(text, span(line, 4, line, 4))
                line += 4
            await editor.until(lambda: asks(editor, line, shown), "shown")
            told = [one["value"].get("title") for one in editor.got("$/progress")]
            assert told.count("loading starter …") >= 2, "that the model is loaded again is seen"
            await editor.request("shutdown", None)
            editor.notify("exit", None)
            await editor.process.wait()
    finally:
        end_recorded_server()
    with closing(History()) as history:
        recorded = [one.text for one in history.find()]
    assert len(shown) == KILLS + 1
    assert sorted(recorded) == sorted(shown), "every suggestion is in the record once"


async def asks(editor: Editor, line: int, shown: list[str]) -> str:
    text = await editor.ghost(line, 4)
    if text:
        shown.append(text)
    return "shown" if text else ""
