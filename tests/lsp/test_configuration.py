"""Settings over the wire: sent at the start, pushed, and asked for."""

from typing import Any

from tests.lsp.editor import CAPABLE, Editor
from tests.lsp.scripted_model import ScriptedModel

PULLS = "workspace/configuration"


async def test_bad_settings_are_told_and_the_server_serves(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start(options={"completion": {"maxTokens": "many"}})
    message = await editor.wait_for("window/showMessage")
    assert "assistant.completion.maxTokens" in message["message"]
    editor.open("x = ")
    model.answers("1")
    assert await editor.loaded_ghost(0, 4) == "1"


async def test_pushed_settings_hold_for_an_editor_that_cannot_be_asked(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start({**CAPABLE, "workspace": {}})
    editor.open("x = ")
    model.answers("1")
    assert await editor.loaded_ghost(0, 4) == "1"
    push(editor, {"assistant": {"completion": {"enabled": False}}})
    assert await editor.ghost(0, 4) == ""
    push(editor, {"assistant": {"completion": {"disabledLanguages": ["python"]}}})
    assert await editor.ghost(0, 4) == ""
    push(editor, {"assistant": {"completion": {"disabledLanguages": ["markdown"]}}})
    assert await editor.ghost(0, 4) == "1", "it is known from before"
    assert editor.got(PULLS) == []


async def test_settings_are_asked_for_at_the_start_and_when_they_change(
    editor: Editor, model: ScriptedModel
) -> None:
    wanted: dict[str, Any] = {"completion": {"enabled": False}}
    editor.answer[PULLS] = lambda params: [wanted for _ in params["items"]]
    changes = {"didChangeConfiguration": {"dynamicRegistration": True}}
    await editor.start({**CAPABLE, "workspace": {**CAPABLE["workspace"], **changes}})
    assert (await editor.wait_for(PULLS))["items"] == [{"section": "assistant"}]
    registration = await editor.wait_for("client/registerCapability")
    assert registration["registrations"][0]["method"] == "workspace/didChangeConfiguration"
    editor.open("x = ")
    assert await editor.ghost(0, 4) == ""
    assert not model.models_asked.is_set(), "what is off loads no model"
    wanted["completion"] = {"maxTokens": 5}
    push(editor, None)
    answer = model.answers("1")
    await editor.until(lambda: editor.ghost(0, 4), "1")
    assert answer.request["max_tokens"] == 5


async def test_another_model_is_asked_after_the_settings_say_so(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start({**CAPABLE, "workspace": {}})
    editor.open("x = ")
    model.answers("1")
    assert await editor.loaded_ghost(0, 4) == "1"
    push(editor, {"assistant": {"model": "vicuna-13b"}})
    editor.change("y", {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}})
    assert await editor.ghost(0, 4) == "", "the other model is loaded first"
    await editor.wait_for(
        "$/progress", lambda params: params["value"].get("title") == "loading vicuna-13b …"
    )
    model.answers("2")
    await editor.until(lambda: editor.ghost(0, 4), "2")


async def test_the_model_of_the_settings_is_the_first_and_only_one_that_is_loaded(
    editor: Editor, model: ScriptedModel
) -> None:
    editor.answer[PULLS] = lambda params: [{"model": "vicuna-13b"}]
    await editor.start()
    editor.open("x = ")
    model.answers("1")
    assert await editor.loaded_ghost(0, 4) == "1"
    begun = [p["value"] for p in editor.got("$/progress") if p["value"]["kind"] == "begin"]
    assert [value["title"] for value in begun] == ["loading vicuna-13b …"]


def push(editor: Editor, settings: object) -> None:
    editor.notify("workspace/didChangeConfiguration", {"settings": settings})
