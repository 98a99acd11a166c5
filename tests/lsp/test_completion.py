"""Ghost text and popup, over the wire, with a model that answers what a test wrote down."""

import pytest

from tests.lsp.editor import CAPABLE, Editor, RequestError, answered, at, span
from tests.lsp.scripted_model import ScriptedModel

CODE = "def add(a, b):\n    return \n"
PLACE = (1, 11)


async def test_ghost_text_and_popup_are_advertised(editor: Editor) -> None:
    able = await editor.start()
    assert able["inlineCompletionProvider"] == {}
    assert able["completionProvider"] == {}
    assert able["positionEncoding"] == "utf-16"
    assert able["textDocumentSync"]["change"] == 2


async def test_the_model_is_loaded_when_a_document_opens_and_what_was_asked_is_answered_then(
    editor: Editor, model: ScriptedModel
) -> None:
    model.models_gate.clear()
    await editor.start()
    editor.open(CODE)
    begin = await editor.wait_for("$/progress")
    assert begin["value"]["title"] == "loading starter …"
    older, newer = editor.ask_ghost(*PLACE), editor.ask_ghost(1, 10)
    assert await answered(older) == {"items": []}, "it is for the newest place alone"
    popup = editor.send_request("textDocument/completion", at(*PLACE))
    assert (await answered(popup))["items"] == [], "what other servers say waits for no model"
    model.answers("a", " +", " b")
    model.models_gate.set()
    assert (await answered(newer))["items"][0]["insertText"] == "a + b"


async def test_no_model_is_loaded_where_nothing_will_be_suggested(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start(options={"completion": {"disabledLanguages": ["markdown"], "ahead": False}})
    uri = "file:///project/note.md"
    editor.open("# Notes\n", uri=uri, language="markdown")
    assert await editor.ghost(1, 0, uri=uri) == ""
    assert not model.models_asked.is_set()
    editor.open("x = ")
    await editor.wait_for("$/progress", lambda params: params["value"]["kind"] == "end")
    assert model.models_asked.is_set()


async def test_a_client_that_wants_to_know_is_told_whether_the_model_is_loaded(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start({**CAPABLE, "experimental": {"assistantStatus": True}})
    await editor.wait_for("assistant/status", lambda params: params["model"] == "idle")
    editor.open("x = ")
    await editor.wait_for("assistant/status", lambda params: params["model"] == "ready")
    told = [params["model"] for params in editor.got("assistant/status")]
    assert told == ["idle", "loading", "ready"]


async def test_the_model_sees_what_stands_around_the_cursor(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start(options={"completion": {"maxTokens": 17}})
    editor.open("x = 1\r\ny = \r\nz = 3\r\n")
    answer = model.answers("2")
    assert await editor.loaded_ghost(1, 4) == "2"
    request = answer.wait_asked()
    assert request["prompt"] == "x = 1\ny =", "the space behind it is left to the model"
    assert request["suffix"] == "\nz = 3\n"
    assert request["max_tokens"] == 17
    assert request["temperature"] == 0


async def test_a_suggestion_keeps_the_line_ends_of_the_file(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start()
    editor.open("def f():\r\n    ")
    model.answers("x = 1\n", "    return x\n", "\n", "more")
    assert await editor.loaded_ghost(1, 4) == "x = 1\r\n    return x"


async def test_neovim_gets_line_feeds_alone(editor: Editor, model: ScriptedModel) -> None:
    await editor.start(name="Neovim")
    editor.open("def f():\r\n    ")
    model.answers("x = 1\n", "    return x\n")
    assert await editor.loaded_ghost(1, 4) == "x = 1\n    return x"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_positions_in_every_encoding(
    editor: Editor, model: ScriptedModel, encoding: str
) -> None:
    def units(text: str) -> int:
        return (
            len(text.encode(f"{encoding}-le" if encoding != "utf-8" else encoding))
            // {
                "utf-8": 1,
                "utf-16": 2,
                "utf-32": 4,
            }[encoding]
        )

    able = await editor.start(encoding=encoding)
    assert able["positionEncoding"] == encoding
    editor.open("é = '😀\u2028' \nrest\n")
    end = units("é = '😀\u2028' ")
    editor.change("+ naïve", span(0, end, 0, end))
    end += units("+ naïve")
    answer = model.answers("_name")
    place = at(0, end)
    assert await editor.loaded_ghost(0, end) == "_name"
    assert answer.wait_asked()["prompt"] == "é = '😀\u2028' + naïve"
    result = await editor.request("textDocument/completion", place)
    edit = result["items"][0]["textEdit"]
    assert edit["newText"] == "naïve_name"
    assert edit["range"] == span(0, end - units("naïve"), 0, end)


async def test_the_popup_has_one_entry_that_stands_last(
    editor: Editor, model: ScriptedModel
) -> None:
    formats = {"documentationFormat": ["markdown", "plaintext"]}
    completion = {"completion": {"completionItem": formats}}
    await editor.start({**CAPABLE, "textDocument": completion})
    editor.open("import os\n\ndef f():\n    ret")
    model.answers("urn [\n", "        1,  # `x`\n", "    ]\n")
    assert await editor.loaded_ghost(3, 7) == "urn [\n        1,  # `x`\n    ]"
    result = await editor.request("textDocument/completion", at(3, 7))
    assert result["isIncomplete"] is True
    (item,) = result["items"]
    assert item["label"] == item["filterText"] == "return ["
    assert item["detail"] == "assistant"
    assert item["sortText"] > "zzz"
    whole = "return [\n        1,  # `x`\n    ]"
    assert item["textEdit"] == {"newText": whole, "range": span(3, 4, 3, 7)}
    assert item["documentation"]["value"] == f"```python\n{whole}\n```"


async def test_ghost_text_and_popup_for_one_place_cost_one_generation(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    answer = model.answers("a + b", held=True)
    ghost = editor.ask_ghost(*PLACE)
    popup = editor.send_request("textDocument/completion", at(*PLACE))
    answer.wait_asked()
    answer.release()
    assert (await answered(ghost))["items"][0]["insertText"] == "a + b"
    assert (await answered(popup))["items"][0]["textEdit"]["newText"] == "a + b"


async def test_a_newer_request_ends_the_older_one_which_is_answered(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    first = model.answers("never seen", held=True)
    old = editor.ask_ghost(*PLACE)
    first.wait_asked()
    model.answers("x")
    new = editor.ask_ghost(1, 10)
    assert await answered(old) == {"items": []}
    assert (await answered(new))["items"][0]["insertText"] == "x"
    first.wait_dropped()


async def test_an_edit_ends_the_request_that_was_made_for_the_text_before(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    answer = model.answers("never seen", held=True)
    old = editor.ask_ghost(*PLACE)
    answer.wait_asked()
    editor.change("a", span(1, 11, 1, 11))
    assert await answered(old) == {"items": []}
    answer.wait_dropped()


async def test_documents_do_not_end_one_another(editor: Editor, model: ScriptedModel) -> None:
    await loaded(editor, model)
    other = "file:///project/other.py"
    editor.open("y = ", uri=other)
    first = model.answers("one", held=True)
    here = editor.ask_ghost(*PLACE)
    first.wait_asked()
    model.answers("2")
    assert await editor.ghost(0, 4, uri=other) == "2"
    first.release()
    assert (await answered(here))["items"][0]["insertText"] == "one"


async def test_cancelling_a_request_ends_its_generation(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    answer = model.answers("never seen", held=True)
    request = editor.ask_ghost(*PLACE)
    answer.wait_asked()
    editor.notify("$/cancelRequest", {"id": editor.last_id})
    with pytest.raises(RequestError) as raised:
        await answered(request)
    assert raised.value.code == -32800
    answer.wait_dropped()


async def test_cancelling_ghost_text_leaves_the_popup_its_generation(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    answer = model.answers("a + b", held=True)
    ghost = editor.ask_ghost(*PLACE)
    number = editor.last_id
    popup = editor.send_request("textDocument/completion", at(*PLACE))
    answer.wait_asked()
    editor.notify("$/cancelRequest", {"id": number})
    with pytest.raises(RequestError):
        await answered(ghost)
    answer.release()
    assert (await answered(popup))["items"][0]["textEdit"]["newText"] == "a + b"


async def test_generation_ends_with_what_can_be_shown(editor: Editor, model: ScriptedModel) -> None:
    await loaded(editor, model)
    editor.open("def f():\n    ")
    model.answers("x = 1\n", "    return x\n", "\n", *["def g():\n"] * 100)
    assert await editor.ghost(1, 4) == "x = 1\n    return x"


@pytest.mark.parametrize(
    ("line", "character"), [(7, 0), (1, 99), (0, 4)], ids=["no line", "no column", "in a word"]
)
async def test_no_suggestion_where_none_fits(
    editor: Editor, model: ScriptedModel, line: int, character: int
) -> None:
    await loaded(editor, model)
    assert await editor.ghost(line, character) == ""


async def test_no_suggestion_in_an_empty_document_or_an_unknown_one(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    editor.open("\n  \n")
    assert await editor.ghost(1, 2) == ""
    assert await editor.ghost(0, 0, uri="file:///never/opened.py") == ""
    result = await editor.request("textDocument/completion", at(0, 0, "file:///never/opened.py"))
    assert result["items"] == []


async def test_trouble_is_shown_once_and_logged_each_time(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    for character in (11, 10, 11):
        model.refuses(f"out of memory at {character}")
        assert await editor.ghost(1, character) == ""
    assert len(editor.got("window/showMessage")) == 1
    assert [m["message"] for m in editor.got("window/logMessage")] == [
        f"out of memory at {character}" for character in (11, 10, 11)
    ]
    model.answers("fine again")
    assert await editor.ghost(1, 10) == "fine again"


async def test_a_server_that_is_not_there_is_told_once(
    environment: dict[str, str], model: ScriptedModel
) -> None:
    environment["ASSISTANT_SERVER_URL"] = "http://127.0.0.1:9/v1"
    async with Editor(environment) as editor:
        await editor.start()
        editor.open(CODE)
        assert await editor.ghost(*PLACE) == ""
        message = await editor.wait_for("window/showMessage")
        assert "127.0.0.1:9" in message["message"]
        assert await editor.ghost(*PLACE) == ""
        assert len(editor.got("window/showMessage")) == 1


async def loaded(
    editor: Editor, model: ScriptedModel, *, ahead: bool = False, **settings: object
) -> None:
    """Open `CODE`, with a model that is loaded and has answered once, for another document."""
    settings = {"candidates": 1, **settings}
    await editor.start(options={"completion": {"ahead": False, **settings}})
    editor.open(CODE)
    scratch = "file:///project/scratch.py"
    editor.open("x = ", uri=scratch)
    model.answers("1")
    assert await editor.loaded_ghost(0, 4, uri=scratch) == "1"
    if ahead:
        settings = {"assistant": {"completion": {"ahead": True, **settings}}}
        editor.answer["workspace/configuration"] = lambda params: [settings["assistant"]]
        editor.notify("workspace/didChangeConfiguration", {"settings": settings})
        await editor.ghost(0, 0, uri="file:///never/opened.py")


async def test_typing_along_with_a_suggestion_asks_nobody(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    model.answers("a + b")
    assert await editor.ghost(*PLACE) == "a + b"
    for number, key in enumerate("a + "):
        editor.change(key, span(1, 11 + number, 1, 11 + number))
        assert await editor.ghost(1, 12 + number) == "a + b"[number + 1 :]
    model.answers("c")
    editor.change("x", span(1, 15, 1, 15))
    assert await editor.ghost(1, 16) == "c", "something else was typed"


async def test_an_editor_that_follows_the_server_hears_where_a_suggestion_comes_from(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    model.answers("a + b")
    await editor.ghost(*PLACE)
    assert editor.got("$/logTrace") == [], "nobody follows it yet"
    editor.notify("$/setTrace", {"value": "messages"})
    await editor.ghost(*PLACE)
    model.answers("c")
    await editor.ghost(2, 0)
    told = [params["message"] for params in editor.got("$/logTrace")]
    assert told == ["suggestion: kept", "suggestion: asked the model"]


async def test_coming_back_to_a_place_asks_nobody(editor: Editor, model: ScriptedModel) -> None:
    await loaded(editor, model)
    model.answers("a + b")
    assert await editor.ghost(*PLACE) == "a + b"
    editor.change("x", span(1, 11, 1, 11))
    editor.change("", span(1, 11, 1, 12))
    assert await editor.ghost(*PLACE) == "a + b"


async def test_a_generation_goes_on_while_what_is_typed_agrees_with_it(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model, budgetMs=0)
    editor.open("def f():\n    ")
    answer = model.answers("x = 1\n", "    y = 2\n", stops_before=1)
    assert await editor.ghost(1, 4) == "x = 1", "a whole line is shown when the time is up"
    editor.change("x", span(1, 4, 1, 4))
    rest = editor.ask_ghost(1, 5)
    assert (await answered(rest))["items"][0]["insertText"] == " = 1"
    answer.release()
    await editor.until(lambda: editor.ghost(1, 5), " = 1\n    y = 2")
    assert not answer.dropped


async def test_the_next_suggestion_is_made_while_one_is_read(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model, ahead=True)
    model.answers("a + b")
    ahead = model.answers("\n", "\n", "x = add(1, 2)\n")
    assert await editor.ghost(*PLACE) == "a + b"
    assert ahead.wait_asked()["prompt"].endswith("return a + b")
    editor.change("a + b", span(1, 11, 1, 11))
    await editor.until(lambda: editor.ghost(1, 16), "\n\nx = add(1, 2)")
    assert not ahead.dropped


async def test_nobody_who_takes_back_or_pastes_is_disturbed(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    automatic = {"context": {"triggerKind": 2}}
    editor.change("ab", span(1, 11, 1, 11))
    editor.change("", span(1, 12, 1, 13))
    method = "textDocument/inlineCompletion"
    assert await editor.request(method, {**at(1, 12), **automatic}) == {"items": []}
    editor.change("one\ntwo\n", span(1, 12, 1, 12))
    assert await editor.request(method, {**at(3, 0), **automatic}) == {"items": []}
    model.answers("asked for")
    assert await editor.ghost(3, 0) == "asked for", "by hand"


async def test_suggestions_while_typing_can_be_turned_off(
    editor: Editor, model: ScriptedModel
) -> None:
    await loaded(editor, model)
    method, automatic = "textDocument/inlineCompletion", {"context": {"triggerKind": 2}}

    async def command(name: str, *arguments: object) -> object:
        params = {"command": f"assistant.{name}Suggestions", "arguments": list(arguments)}
        return await editor.request("workspace/executeCommand", params)

    assert await command("toggle") is False
    assert await editor.request(method, {**at(*PLACE), **automatic}) == {"items": []}
    assert await command("toggle") is True
    await command("snooze", 60)
    assert await editor.request(method, {**at(*PLACE), **automatic}) == {"items": []}
    assert "60 minutes" in editor.got("window/showMessage")[-1]["message"]
    with pytest.raises(RequestError):
        await command("snooze", "long")
