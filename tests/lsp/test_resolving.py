"""What an action does is said when the editor wants to know it, and in the form that it can use."""

import asyncio
from typing import Any

import pytest

from tests.lsp.actions import NOTE, edits, listed, shown_document
from tests.lsp.editor import CAPABLE, URI, Editor, RequestError, answered, span
from tests.lsp.scripted_model import ScriptedModel

RESOLVES = {
    "textDocument": {
        "codeAction": {
            "dataSupport": True,
            "resolveSupport": {"properties": ["edit", "command"]},
        }
    }
}
LATER = {**CAPABLE, **RESOLVES}
EDITS_LATER: dict[str, Any] = {
    **RESOLVES,
    "window": CAPABLE["window"],
    "workspace": {"workspaceEdit": CAPABLE["workspace"]["workspaceEdit"]},
}
"""An editor that makes the edits that come with actions, and no others."""


async def first(editor: Editor, only: str, **context: object) -> dict[str, Any]:
    return (await listed(editor, NOTE, span(0, 0, 0, 0), only=[only], **context))[0]


def note(editor: Editor) -> None:
    editor.open("Teh cat.\n", uri=NOTE, language="markdown")


async def test_a_listing_names_actions_and_resolving_one_gives_its_command(
    editor: Editor, model: ScriptedModel
) -> None:
    able = await editor.start(LATER)
    assert able["codeActionProvider"]["resolveProvider"] is True
    note(editor)
    action = await first(editor, "refactor.rewrite.assistant.polish")
    assert "command" not in action and "edit" not in action
    resolved = await editor.request("codeAction/resolve", action)
    assert not model.models_asked.is_set(), "neither costs anything"
    assert "edit" not in resolved
    model.answers("The cat.")
    command = resolved["command"]
    await editor.request(
        "workspace/executeCommand",
        {"command": command["command"], "arguments": command["arguments"]},
    )
    assert edits(editor)[0]["newText"] == "The cat."


async def test_an_editor_that_resolves_nothing_finds_the_command_in_the_listing(
    editor: Editor,
) -> None:
    await editor.start()
    note(editor)
    action = await first(editor, "refactor.rewrite.assistant.polish")
    assert action["command"]["command"] == "assistant.polish"
    assert await editor.request("codeAction/resolve", action) == action, "some ask nevertheless"


async def test_one_that_makes_no_other_edits_gets_the_edit_of_the_action(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start(EDITS_LATER)
    note(editor)
    action = await first(editor, "refactor.rewrite.assistant.polish")
    model.answers("The cat.")
    resolved = await editor.request("codeAction/resolve", action)
    assert "command" not in resolved
    (change,) = resolved["edit"]["documentChanges"]
    assert change["textDocument"]["version"] == 1
    assert change["edits"][0]["newText"] == "The cat."
    (annotation,) = resolved["edit"]["changeAnnotations"].values()
    assert annotation["needsConfirmation"] is True
    kinds = [params["value"]["kind"] for params in editor.got("$/progress")]
    assert kinds[-1] == "end" and "report" in kinds, "the waiting is seen"


async def test_a_resolved_edit_of_a_text_that_changed_meanwhile_is_not_given(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start(EDITS_LATER)
    note(editor)
    action = await first(editor, "refactor.rewrite.assistant.polish")
    answer = model.answers("The cat.", held=True)
    resolving = editor.send_request("codeAction/resolve", action)
    await asyncio.to_thread(answer.wait_asked)
    editor.change("My ", span(0, 0, 0, 0), uri=NOTE)
    assert await listed(editor, NOTE, span(0, 0, 0, 0)), "the edit has arrived"
    answer.release()
    assert "edit" not in await answered(resolving)
    assert "changed meanwhile" in editor.got("window/showMessage")[-1]["message"]
    assert shown_document(editor) == "The cat.\n"
    # And one that was listed for the text before costs no model anything.
    assert "edit" not in await editor.request("codeAction/resolve", action)


async def test_cancelling_the_resolving_ends_the_generation(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start(EDITS_LATER)
    note(editor)
    action = await first(editor, "refactor.rewrite.assistant.polish")
    answer = model.answers("never seen", held=True)
    resolving = editor.send_request("codeAction/resolve", action)
    await asyncio.to_thread(answer.wait_asked)
    editor.notify("$/cancelRequest", {"id": editor.last_id})
    with pytest.raises(RequestError):
        await answered(resolving)
    await asyncio.to_thread(answer.wait_dropped)


async def test_an_answer_to_read_is_a_command_everywhere(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start(EDITS_LATER)
    editor.open("x = 1\n")
    (action,) = await listed(editor, URI, span(0, 0, 0, 0), only=["assistant.explain"])
    resolved = await editor.request("codeAction/resolve", action)
    assert resolved["command"]["command"] == "assistant.explain"


@pytest.mark.parametrize(
    "data",
    [
        {"command": "assistant.polish", "uri": 3},
        {"command": "assistant.polish"},
        {"command": "assistant.polish", "uri": NOTE, "range": {}, "version": "x"},
    ],
)
async def test_a_broken_entry_is_refused(editor: Editor, data: object) -> None:
    await editor.start(LATER)
    with pytest.raises(RequestError) as raised:
        await editor.request("codeAction/resolve", {"title": "Polish", "data": data})
    assert raised.value.code == -32602
    foreign = {"title": "Other", "data": {"command": "other.thing"}}
    assert await editor.request("codeAction/resolve", foreign) == foreign
    assert await editor.request("codeAction/resolve", {"title": "Other", "data": 3})
