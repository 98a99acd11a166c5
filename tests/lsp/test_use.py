"""What is done with suggestions in the editor is in the history afterwards."""

from contextlib import closing
from pathlib import Path

import pytest

from assistant.history import History, Suggestion
from tests.lsp.actions import listed
from tests.lsp.editor import Editor, at, span
from tests.lsp.scripted_model import ScriptedModel
from tests.lsp.test_completion import PLACE, loaded
from tests.lsp.test_resolving import EDITS_LATER


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


NOTE = "file:///project/note.md"


async def polished(editor: Editor, model: ScriptedModel) -> None:
    """Ask for a text to be polished, which the editor answers as the test has it do."""
    editor.open("# Notes\n\nTeh cat sat.\n", uri=NOTE, language="markdown")
    model.answers("The cat sat.")
    target = {"uri": NOTE, "range": span(2, 0, 2, 0), "version": 1}
    await editor.request(
        "workspace/executeCommand", {"command": "assistant.polish", "arguments": [target]}
    )


@pytest.mark.parametrize("early", [True, False], ids=["before the answer", "behind it"])
async def test_a_polished_text_is_recorded(
    editor: Editor, model: ScriptedModel, early: bool
) -> None:
    await loaded(editor, model)

    def apply(params: object) -> object:
        if early:
            editor.change("The cat sat.", span(2, 0, 2, 12), uri=NOTE)
        return {"applied": True}

    editor.answer["workspace/applyEdit"] = apply
    await polished(editor, model)
    if not early:  # Neovim reports what was changed, and no more, and does so late
        editor.change("he", span(2, 1, 2, 3), uri=NOTE)
    recorded = await ended(editor)
    assert recorded["The cat sat."].kind == "polish"
    assert recorded["The cat sat."].fate.outcome == "accepted"
    assert recorded["The cat sat."].fate.kept is True
    assert "Teh cat sat." in recorded["The cat sat."].prefix


@pytest.mark.parametrize("said", [False, True], ids=["and the editor says so", "in silence"])
async def test_a_rejected_preview_is_recorded_with_what_the_user_kept(
    editor: Editor, model: ScriptedModel, said: bool
) -> None:
    """Neovim says that all went well, too, where the user said no."""
    await loaded(editor, model)
    editor.answer["workspace/applyEdit"] = lambda params: {"applied": not said}
    await polished(editor, model)
    editor.change("A", span(2, 0, 2, 3), uri=NOTE)
    fate = (await ended(editor))["The cat sat."].fate
    assert fate.outcome == "rejected"
    assert fate.replaced_by == "A cat sat."


async def test_an_undone_action_is_recorded_as_such(editor: Editor, model: ScriptedModel) -> None:
    await loaded(editor, model)
    await polished(editor, model)
    editor.change("The cat sat.", span(2, 0, 2, 12), uri=NOTE)
    editor.change("Teh cat sat.", span(2, 0, 2, 12), uri=NOTE)
    assert (await ended(editor))["The cat sat."].fate.outcome == "undone"


async def test_a_resolved_edit_is_recorded(editor: Editor, model: ScriptedModel) -> None:
    await editor.start(EDITS_LATER)
    editor.open("Teh cat.\n", uri=NOTE, language="markdown")
    (action,) = await listed(
        editor, NOTE, span(0, 0, 0, 0), only=["refactor.rewrite.assistant.polish"]
    )
    model.answers("The cat.")
    await editor.request("codeAction/resolve", action)
    editor.change("The cat.", span(0, 0, 0, 8), uri=NOTE)
    fate = (await ended(editor))["The cat."].fate
    assert (fate.outcome, fate.kept) == ("accepted", True)


async def test_the_folder_and_the_adapter_are_recorded(
    tmp_path: Path,
) -> None:
    one, other = tmp_path / "one", tmp_path / "one" / "inner"
    folders = [{"uri": folder.as_uri(), "name": folder.name} for folder in (one, other)]
    with ScriptedModel({"id": "base:mine", "adapter": "mine"}) as model:
        async with Editor({"ASSISTANT_SERVER_URL": model.url}) as editor:
            await editor.start(folders=folders)
            for file, said in (
                (one / "a.py", "in one"),
                (other / "a.py", "in the inner one"),
                (tmp_path / "a.py", "in none"),
            ):
                editor.open("x = \n", uri=file.as_uri())
                answer = model.answers(said)
                if said == "in one":
                    await editor.loaded_ghost(0, 4, uri=file.as_uri())
                else:
                    await editor.ghost(0, 4, uri=file.as_uri())
                assert answer.asked.is_set()
            change = {"added": [], "removed": [folders[1]]}
            editor.notify("workspace/didChangeWorkspaceFolders", {"event": change})
            editor.open("y = \n", uri=(other / "b.py").as_uri())
            model.answers("in one by now")
            await editor.ghost(0, 4, uri=(other / "b.py").as_uri())
            recorded = await ended(editor)
    assert {text: row.workspace for text, row in recorded.items()} == {
        "in one": str(one),
        "in the inner one": str(other),
        "in none": "",
        "in one by now": str(one),
    }
    assert {row.adapter for row in recorded.values()} == {"mine"}
