"""What is done with suggestions in the editor is in the history afterwards."""

from contextlib import closing

from assistant.history import History, Suggestion
from tests.lsp.editor import Editor, at, span
from tests.lsp.scripted_model import ScriptedModel
from tests.lsp.test_completion import PLACE, loaded


async def ended(editor: Editor) -> dict[str, Suggestion]:
    """End the language server, and give what it recorded, by the text."""
    await editor.request("shutdown", None)
    editor.notify("exit", None)
    await editor.process.wait()
    with closing(History()) as history:
        return {one.text: one for one in history.find()}


async def test_what_became_of_each_suggestion_is_recorded(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    model.answers("a + b")
    result = await editor.request("textDocument/inlineCompletion", at(*PLACE))
    editor.change("a + b", span(1, 11, 1, 11))
    command = result["items"][0]["command"]
    await editor.request(
        "workspace/executeCommand",
        {"command": command["command"], "arguments": command["arguments"]},
    )
    editor.change("\n", span(1, 16, 1, 16))
    model.answers("    wrong")
    assert await editor.ghost(2, 0) == "    wrong"
    editor.change("ok", span(2, 0, 2, 0))
    model.answers("(1)")
    assert await editor.ghost(2, 2) == "(1)"
    editor.change("(", span(2, 2, 2, 2))
    assert await editor.ghost(2, 3) == "1)"
    editor.change("1", span(2, 3, 2, 3))
    assert await editor.ghost(2, 4) == ")"
    editor.change(")", span(2, 4, 2, 4))
    recorded = await ended(editor)
    assert set(recorded) == {"1", "a + b", "    wrong", "(1)"}, "typing along makes no new one"
    assert recorded["a + b"].fate.outcome == "accepted"
    assert recorded["a + b"].model == "scripted"
    assert recorded["a + b"].prefix.endswith("return ")
    assert recorded["    wrong"].fate.outcome == "rejected"
    assert recorded["(1)"].fate.outcome == "typed"


async def test_a_polished_text_is_recorded(editor: Editor, model: ScriptedModel) -> None:
    await loaded(editor, model)
    uri = "file:///project/note.md"
    editor.open("# Notes\n\nTeh cat sat.\n", uri=uri, language="markdown")

    def apply(params: object) -> object:
        editor.change("The cat sat.", span(2, 0, 2, 12), uri=uri)
        return {"applied": True}

    editor.answer["workspace/applyEdit"] = apply
    model.answers("The cat sat.")
    target = {"uri": uri, "range": span(2, 0, 2, 0), "version": 1}
    await editor.request(
        "workspace/executeCommand", {"command": "assistant.polish", "arguments": [target]}
    )
    recorded = await ended(editor)
    assert recorded["The cat sat."].kind == "polish"
    assert recorded["The cat sat."].fate.outcome == "accepted"
    assert "Teh cat sat." in recorded["The cat sat."].prefix
