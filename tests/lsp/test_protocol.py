"""What a polite client never shows: malformed messages, wrong order, and the way out."""

import asyncio
import json
import os
from typing import Any

import pytest

from tests.lsp.editor import CAPABLE, URI, Editor, RequestError, answered, at
from tests.lsp.scripted_model import PATIENCE, ScriptedModel

SECRET = "correct horse battery staple"


MALFORMED: tuple[object, ...] = (
    {"textDocument": 3},
    {"textDocument": {"uri": URI}, "position": {"line": -1, "character": 0}},
    {"textDocument": {"uri": URI}, "position": {"line": SECRET, "character": 0}},
    None,
    [1],
    SECRET,
)


@pytest.mark.parametrize(
    "method",
    ["textDocument/inlineCompletion", "textDocument/completion", "textDocument/codeAction"],
)
async def test_a_malformed_request_is_answered_with_an_error(editor: Editor, method: str) -> None:
    await editor.start()
    for params in MALFORMED:
        with pytest.raises(RequestError) as raised:
            await editor.request(method, params)
        assert raised.value.code == -32602, params
        assert SECRET not in str(raised.value)


async def test_a_command_with_other_arguments_is_answered_with_an_error(editor: Editor) -> None:
    await editor.start()
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}
    for arguments in (
        None,
        [],
        [3],
        [{"uri": URI}],
        [{"uri": 3, "range": place}],
        [{"uri": URI, "range": {}}],
        [{"uri": URI, "range": place, "version": "1"}],
        [{"uri": "file:///never/opened.py", "range": place}],
    ):
        params = {"command": "assistant.explain", "arguments": arguments}
        with pytest.raises(RequestError) as raised:
            await editor.request("workspace/executeCommand", params)
        assert raised.value.code == -32602, arguments


async def test_unknown_methods_and_commands_are_answered_with_an_error(editor: Editor) -> None:
    await editor.start()
    with pytest.raises(RequestError) as raised:
        await editor.request("textDocument/levitate", {})
    assert raised.value.code == -32601
    with pytest.raises(RequestError) as raised:
        await editor.request("workspace/executeCommand", {"command": "assistant.levitate"})
    assert raised.value.code == -32602


async def test_a_table_that_looks_like_a_message_inside_a_message_is_left_alone(
    editor: Editor,
) -> None:
    inside = {"jsonrpc": "2.0", "id": 99, "method": "textDocument/hover", "params": 3}
    await editor.start(options={"odd": inside})
    params = {"command": "assistant.explain", "arguments": [inside]}
    with pytest.raises(RequestError) as raised:
        await editor.request("workspace/executeCommand", params)
    assert raised.value.code == -32602


async def test_what_is_no_message_is_refused_and_the_server_goes_on(editor: Editor) -> None:
    await editor.start()
    for body, code in ((b"{", -32700), (b"\xff", -32700), (b"[]", -32600), (b"7", -32600)):
        refusal: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        editor.expect(None, refusal)
        editor.send_bytes(body)
        with pytest.raises(RequestError) as raised:
            await answered(refusal)
        assert raised.value.code == code, body
    editor.open("x = ")
    assert await editor.ghost(0, 4) == ""


async def test_a_malformed_notification_is_no_answer_and_no_end(editor: Editor) -> None:
    await editor.start()
    editor.notify("textDocument/didOpen", {"textDocument": 3})
    editor.notify("textDocument/didChange", None)
    editor.notify("$/unknown", {"x": 1})
    editor.notify("$/cancelRequest", {"id": 12345})
    editor.notify("window/workDoneProgress/cancel", {"token": "never seen"})
    editor.change("for a document that is not open")
    editor.open("x = ")
    assert await editor.ghost(0, 4) == ""


async def test_a_malformed_answer_of_the_editor_is_no_end(
    editor: Editor, model: ScriptedModel
) -> None:
    editor.answer["workspace/configuration"] = lambda params: 7
    editor.answer["window/workDoneProgress/create"] = lambda params: {"odd": 1}
    await editor.start()
    editor.open("x = ")
    assert await editor.ghost(0, 4) == ""
    await asyncio.to_thread(model.models_asked.wait, PATIENCE)
    model.answers("1")
    await editor.until(lambda: editor.ghost(0, 4), "1")


async def test_requests_before_initialize_are_refused(editor: Editor) -> None:
    with pytest.raises(RequestError) as raised:
        await editor.request("textDocument/inlineCompletion", at(0, 0))
    assert raised.value.code == -32002
    editor.open("ignored")
    await editor.start()
    with pytest.raises(RequestError) as raised:
        await editor.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    assert raised.value.code == -32600


async def test_requests_after_shutdown_are_refused_and_exit_is_orderly(editor: Editor) -> None:
    await editor.start()
    assert await editor.request("shutdown", None) is None
    with pytest.raises(RequestError) as raised:
        await editor.request("textDocument/inlineCompletion", at(0, 0))
    assert raised.value.code == -32600
    editor.notify("exit", None)
    assert await asyncio.wait_for(editor.process.wait(), PATIENCE) == 0


async def test_an_editor_that_dies_leaves_no_server_behind(editor: Editor) -> None:
    await editor.start()
    editor.close_stdin()
    assert await asyncio.wait_for(editor.process.wait(), PATIENCE) == 1


async def test_shutdown_while_the_model_loads(editor: Editor, model: ScriptedModel) -> None:
    model.models_gate.clear()
    await editor.start()
    editor.open("x = ")
    ghost = editor.ask_ghost(0, 4)
    await editor.wait_for("$/progress")
    assert await editor.request("shutdown", None) is None
    with pytest.raises(RequestError):
        await answered(ghost)
    model.models_gate.set()
    editor.notify("exit", None)
    assert await asyncio.wait_for(editor.process.wait(), PATIENCE) == 0


async def test_shutdown_answers_what_still_runs(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open("# say hello\n")
    answer = model.answers("never seen", held=True)
    target = {
        "uri": URI,
        "range": {"start": {"line": 0, "character": 3}, "end": {"line": 0, "character": 3}},
    }
    command = editor.send_request(
        "workspace/executeCommand", {"command": "assistant.commentToCode", "arguments": [target]}
    )
    await asyncio.to_thread(answer.wait_asked)
    assert await editor.request("shutdown", None) is None
    with pytest.raises(RequestError) as raised:
        await answered(command)
    assert raised.value.code == -32800
    await asyncio.to_thread(answer.wait_dropped)


async def test_no_log_holds_text_of_the_users(editor: Editor, model: ScriptedModel) -> None:
    await editor.start(options={"completion": {"maxTokens": SECRET}})
    editor.open(f"x = '{SECRET}' + ")
    editor.change(SECRET, {"start": SECRET})
    model.answers(SECRET)
    assert await editor.loaded_ghost(0, 36) == SECRET
    model.refuses("the context is full")
    editor.change(f"{SECRET} = ")
    assert await editor.ghost(0, len(SECRET) + 3) == ""
    with pytest.raises(RequestError):
        await editor.request("textDocument/completion", {"textDocument": SECRET})
    refusal: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    editor.expect(None, refusal)
    editor.send_bytes(json.dumps({"jsonrpc": "2.0", "id": 7, "method": SECRET}).encode()[:-1])
    with pytest.raises(RequestError):
        await answered(refusal)
    with pytest.raises(RequestError):
        await editor.request("workspace/executeCommand", {"command": 3, "arguments": [SECRET]})
    editor.close_stdin()
    await asyncio.wait_for(editor.process.wait(), PATIENCE)
    told = json.dumps(editor.got("window/logMessage") + editor.got("window/showMessage"))
    assert SECRET not in editor.stderr.decode() + told


async def test_what_a_library_prints_does_not_break_the_wire(environment: dict[str, str]) -> None:
    # The interpreter itself prints its imports to standard output's neighbour, at length.
    async with Editor({**environment, "PYTHONVERBOSE": "1"}) as editor:
        await editor.start()
        editor.open("x = ")
        assert await editor.ghost(0, 4) == ""


async def test_an_editor_that_never_agrees_to_progress_gets_its_suggestions(
    editor: Editor, model: ScriptedModel
) -> None:
    editor.deaf_to.add("window/workDoneProgress/create")
    await editor.start()
    editor.open("x = ")
    assert await editor.ghost(0, 4) == ""
    await asyncio.to_thread(model.models_asked.wait, PATIENCE)
    model.answers("1")
    await editor.until(lambda: editor.ghost(0, 4), "1")
    assert editor.got("$/progress") == []


async def test_an_editor_without_any_capability_is_served(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start({})
    editor.open("x = ")
    assert await editor.ghost(0, 4) == ""
    await asyncio.to_thread(model.models_asked.wait, PATIENCE)
    model.answers("1")
    await editor.until(lambda: editor.ghost(0, 4), "1")
    assert editor.requests == []
    assert editor.got("$/progress") == []


async def test_messages_in_one_segment_are_handled_in_their_order(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start(CAPABLE)
    editor.open("f(x,")
    model.answers("1")
    assert await editor.loaded_ghost(0, 4) == "1"
    answer = model.answers("2")
    editor.change("g(x,")
    request = editor.ask_ghost(0, 4)
    assert (await answered(request))["items"][0]["insertText"] == "2"
    assert answer.request["prompt"] == "g(x,"


async def test_ctrl_c_in_the_editors_terminal_is_the_editors(editor: Editor) -> None:
    await editor.start()
    assert os.getsid(editor.process.pid) == editor.process.pid
