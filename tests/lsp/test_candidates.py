"""Several suggestions, for a user who asks for them by hand."""

import asyncio
from typing import Any

from lsprotocol import types

from tests.lsp.editor import Editor, answered, at, span
from tests.lsp.scripted_model import ScriptedModel
from tests.lsp.test_completion import PLACE, loaded
from tests.lsp.test_use import ended


def ask(editor: Editor) -> "asyncio.Future[Any]":
    """Ask by hand."""
    kind = types.InlineCompletionTriggerKind.Invoked.value
    params = {**at(*PLACE), "context": {"triggerKind": kind}}
    return editor.send_request("textDocument/inlineCompletion", params)


async def ready(editor: Editor, model: ScriptedModel, count: int) -> None:
    """Load the model, and then have so many suggestions at a place."""
    await loaded(editor, model)
    settings = {"completion": {"ahead": False, "candidates": count}}
    editor.answer["workspace/configuration"] = lambda params: [settings]
    editor.notify("workspace/didChangeConfiguration", {"settings": settings})
    await editor.ghost(0, 0, uri="file:///never/opened.py")


def texts(result: Any) -> list[str]:
    return [item["insertText"] for item in result["items"]]


async def test_who_asks_by_hand_gets_the_likeliest_and_what_else_there_is(
    editor: Editor, model: ScriptedModel
) -> None:
    await ready(editor, model, 3)
    answers = [model.answers(text) for text in ("a + b", "a +  b", "b + a")]
    result = await answered(ask(editor))
    assert texts(result)[0] == "a + b"
    assert set(texts(result)) == {"a + b", "a +  b", "b + a"}
    first, *others = [answer.request for answer in answers]
    assert first["temperature"] == 0
    assert all(other["temperature"] > 0 for other in others)
    assert len({other["seed"] for other in others}) == 2
    chosen = next(item for item in result["items"] if item["insertText"] == "b + a")
    editor.change("b + a", span(1, 11, 1, 11))
    await editor.request("workspace/executeCommand", chosen["command"])
    recorded = await ended(editor)
    outcomes = {text: one.fate.outcome for text, one in recorded.items() if text != "1"}
    assert outcomes == {"a + b": "rejected", "a +  b": "rejected", "b + a": "accepted"}


async def test_the_same_is_not_said_twice(editor: Editor, model: ScriptedModel) -> None:
    await ready(editor, model, 3)
    for text in ("a + b", "a + b ", "b"):
        model.answers(text)
    assert texts(await answered(ask(editor))) == ["a + b", "b"]


async def test_the_number_is_a_setting(editor: Editor, model: ScriptedModel) -> None:
    await ready(editor, model, 1)
    model.answers("a + b")
    assert texts(await answered(ask(editor))) == ["a + b"]
    assert not editor.got("window/showMessage")


async def test_a_key_ends_what_is_made_for_the_place(editor: Editor, model: ScriptedModel) -> None:
    await ready(editor, model, 2)
    model.answers("a + b")
    other = model.answers("never seen", held=True)
    asked = ask(editor)
    await asyncio.to_thread(other.wait_asked)
    editor.change("a", span(1, 11, 1, 11))
    await answered(asked)
    await asyncio.to_thread(other.wait_dropped)
    assert await editor.ghost(1, 12) == " + b"


async def test_each_of_them_can_be_typed_along_with(editor: Editor, model: ScriptedModel) -> None:
    await ready(editor, model, 2)
    for text in ("a + b", "len(b)"):
        model.answers(text)
    assert texts(await answered(ask(editor))) == ["a + b", "len(b)"]
    editor.change("le", span(1, 11, 1, 11))
    assert await editor.ghost(1, 13) == "n(b)"
