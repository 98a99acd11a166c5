"""What the user sees while an action is done, and how it is ended."""

import asyncio

import pytest

from tests.lsp.actions import CODE, run
from tests.lsp.editor import CAPABLE, URI, Editor, RequestError, answered, span
from tests.lsp.scripted_model import ScriptedModel


async def test_progress_begins_shows_the_text_arriving_and_ends(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start()
    editor.open(CODE)
    model.answers("first\n", "second ", "line")
    await answered(run(editor, "explain", URI, span(0, 0, 0, 0)))
    token = editor.got("window/workDoneProgress/create")[0]["token"]
    values = [p["value"] for p in editor.got("$/progress") if p["token"] == token]
    assert values[0] == {"kind": "begin", "title": "explaining", "cancellable": True}
    assert [v["message"] for v in values[1:-1]] == ["first", "second", "second line"]
    assert values[-1] == {"kind": "end"}


async def test_the_editors_own_token_is_used(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open(CODE)
    model.answers("It imports.")
    await answered(run(editor, "explain", URI, span(0, 0, 0, 0), workDoneToken="mine"))
    kinds = [p["value"]["kind"] for p in editor.got("$/progress") if p["token"] == "mine"]
    assert kinds == ["begin", "report", "end"]


async def test_cancelling_the_progress_ends_the_generation_in_silence(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start()
    editor.open(CODE)
    for _ in range(2):  # the token of a work that has ended is free again
        answer = model.answers("never seen", held=True)
        command = run(editor, "explain", URI, span(0, 0, 0, 0), workDoneToken="mine")
        await asyncio.to_thread(answer.wait_asked)
        editor.notify("window/workDoneProgress/cancel", {"token": "mine"})
        assert await answered(command) is None
        await asyncio.to_thread(answer.wait_dropped)
    assert editor.got("window/showMessage") == []
    assert [p["value"]["kind"] for p in editor.got("$/progress")].count("end") == 3


async def test_cancelling_the_request_of_a_command_ends_the_generation(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start(CAPABLE)
    editor.open(CODE)
    answer = model.answers("never seen", held=True)
    command = run(editor, "explain", URI, span(0, 0, 0, 0))
    await asyncio.to_thread(answer.wait_asked)
    editor.notify("$/cancelRequest", {"id": editor.last_id})
    with pytest.raises(RequestError) as raised:
        await answered(command)
    assert raised.value.code == -32800
    await asyncio.to_thread(answer.wait_dropped)
    assert [p["value"]["kind"] for p in editor.got("$/progress")][-1] == "end"
