"""Code actions over the wire: what is offered, what it does, and what it refuses to do."""

import asyncio
from pathlib import Path

import pytest

from tests.lsp.actions import (
    CODE,
    MARKDOWN,
    NOTE,
    PROBLEM,
    asked,
    edits,
    listed,
    run,
    shown_document,
)
from tests.lsp.editor import URI, Editor, answered, span
from tests.lsp.scripted_model import ScriptedModel


async def test_what_is_offered_where(editor: Editor) -> None:
    able = await editor.start()
    kinds = able["codeActionProvider"]["codeActionKinds"]
    editor.open("# add two numbers\nx = 1\n")
    editor.open(MARKDOWN, uri=NOTE, language="markdown")
    comment = await listed(editor, URI, span(0, 3, 0, 3))
    assert [a["command"]["command"] for a in comment] == [
        "assistant.commentToCode",
        "assistant.explain",
        "assistant.document",
        "assistant.writeTest",
        "assistant.suggestNames",
    ]
    empty = await listed(editor, URI, span(2, 0, 2, 0))
    assert "assistant.suggestNames" not in [a["command"]["command"] for a in empty]
    prose = await listed(editor, NOTE, span(5, 0, 5, 0))
    assert [a["kind"].rpartition(".")[2] for a in prose] == [
        *("polish", "expand", "shorten", "continue", "translate")
    ]
    editor.open(CODE, uri="file:///project/code.py")
    function = await listed(
        editor, "file:///project/code.py", span(5, 3, 5, 3), diagnostics=[PROBLEM]
    )
    assert [a["title"] for a in function] == [
        "Fix: undefined name",
        "Explain this code",
        "Document this definition",
        "Write a test for this",
        "Suggest better names for this",
    ]
    assert function[0]["diagnostics"] == [PROBLEM]
    assert {a["kind"] for a in comment + prose + function} == set(kinds)
    editor.open(CODE, uri="file:///project/test_code.py")
    test = await listed(editor, "file:///project/test_code.py", span(5, 3, 5, 3))
    assert "assistant.writeTest" not in [a["command"]["command"] for a in test]
    assert await listed(editor, "file:///never/opened.py", span(0, 0, 0, 0)) == []


async def test_what_is_offered_for_kinds_and_without_being_asked(editor: Editor) -> None:
    await editor.start()
    editor.open(MARKDOWN, uri=NOTE, language="markdown")
    place, selection = span(5, 0, 5, 0), span(5, 0, 5, 3)
    assert len(await listed(editor, NOTE, place, only=["refactor"])) == 5
    only = ["refactor.rewrite.assistant.polish"]
    assert len(await listed(editor, NOTE, place, only=only)) == 1
    assert await listed(editor, NOTE, place, only=["quickfix", "refactor.rew"]) == []
    assert await listed(editor, NOTE, place, triggerKind=2) == []
    assert len(await listed(editor, NOTE, selection, triggerKind=2)) == 5


async def test_the_function_at_the_cursor_is_explained_in_a_document(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start()
    editor.open(CODE)
    answer = model.answers("It returns", " **one**.\n")
    await answered(run(editor, "explain", URI, span(5, 10, 5, 10)))
    assert asked(answer).endswith("    def f(self):\n        return 1")
    assert "python" in asked(answer)
    assert shown_document(editor) == "It returns **one**.\n"


async def test_a_selection_is_explained_and_shown_as_a_message_where_no_document_can_be(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start({})
    editor.open(CODE)
    answer = model.answers("It imports.")
    await answered(run(editor, "explain", URI, span(0, 0, 1, 0)))
    assert asked(answer).endswith("\n\nimport os")
    assert [m["message"] for m in editor.got("window/showMessage")] == ["assistant: It imports."]


async def test_an_editor_that_fails_to_show_a_document_shows_a_message(
    editor: Editor, model: ScriptedModel
) -> None:
    editor.answer["window/showDocument"] = lambda params: {"success": False}
    await editor.start()
    editor.open(CODE)
    model.answers("It imports.")
    await answered(run(editor, "explain", URI, span(0, 0, 0, 0)))
    assert editor.got("window/showMessage")[-1]["message"] == "assistant: It imports."


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_code_for_a_comment_is_inserted_below_it(
    editor: Editor, model: ScriptedModel, line_end: str
) -> None:
    await editor.start()
    text = "def f(a):\n    # return the double\n    # of a\n\nf(1)\n".replace("\n", line_end)
    editor.open(text)
    answer = model.answers("Here:\n```python\n", "double = 2 * a\n", "return double\n```\nDone.")
    await answered(run(editor, "commentToCode", URI, span(1, 8, 1, 8)))
    assert asked(answer).endswith("def f(a):\n    # return the double\n    # of a")
    (edit,) = edits(editor)
    assert edit["newText"] == "    double = 2 * a\n    return double\n".replace("\n", line_end)
    assert edit["range"] == span(3, 0, 3, 0)


async def test_code_for_a_comment_on_the_last_line(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open("x = 1\n# print x")
    model.answers("print(x)")
    await answered(run(editor, "commentToCode", URI, span(1, 0, 1, 9)))
    (edit,) = edits(editor)
    assert (edit["newText"], edit["range"]) == ("\nprint(x)", span(1, 9, 1, 9))


async def test_only_the_paragraph_at_the_cursor_is_sent_and_changed(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start()
    editor.open(MARKDOWN, uri=NOTE, language="markdown")
    answer = model.answers("The first paragraph,", " over two lines.")
    await answered(run(editor, "polish", NOTE, span(6, 3, 6, 3)))
    assert asked(answer).endswith("\n\nTeh first paragraph, over two lines.")
    (edit,) = edits(editor)
    assert edit["newText"] == "The first paragraph,\nover two lines."
    assert edit["range"] == span(5, 0, 6, 15)


async def test_a_selection_of_everything_leaves_out_what_is_no_prose(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start()
    editor.open(MARKDOWN, uri=NOTE, language="markdown")
    first, second = model.answers("The first."), model.answers("The quote.")
    await answered(run(editor, "polish", NOTE, span(0, 0, 13, 0)))
    for answer in (first, second):
        assert "title" not in asked(answer) and "heading" not in asked(answer)
        assert "teh = 1" not in asked(answer)
    assert [(edit["newText"], edit["range"]["start"]["line"]) for edit in edits(editor)] == [
        ("The first.", 5),
        ("The quote.", 12),
    ]
    assert edits(editor)[1]["range"] == span(12, 2, 12, 12), "the quote's mark stays"


async def test_a_part_of_a_line_is_changed_alone(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open("One thing. Teh other.  \n", uri=NOTE, language="markdown")
    answer = model.answers("The other.")
    await answered(run(editor, "polish", NOTE, span(0, 10, 0, 21)))
    assert asked(answer).endswith("\n\nTeh other.")
    (edit,) = edits(editor)
    assert (edit["newText"], edit["range"]) == ("The other.", span(0, 11, 0, 21))


async def test_a_text_is_continued_where_it_ends(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open("# Title\n\nIt began\n\n```\ncode\n```\n", uri=NOTE, language="markdown")
    answer = model.answers("with rain.")
    await answered(run(editor, "continue", NOTE, span(2, 2, 2, 2)))
    assert asked(answer).endswith("\n\nIt began") and "code" not in asked(answer)
    (edit,) = edits(editor)
    assert (edit["newText"], edit["range"]) == (" with rain.", span(2, 8, 2, 8))


async def test_edits_carry_version_and_label(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open("Teh.\n", uri=NOTE, language="markdown")
    model.answers("The.")
    await answered(run(editor, "expand", NOTE, span(0, 0, 0, 0)))
    (params,) = editor.got("workspace/applyEdit")
    (change,) = params["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": NOTE, "version": 1}
    (annotation,) = params["edit"]["changeAnnotations"].values()
    assert annotation["label"] == params["label"] == "assistant: Expand this text"
    assert annotation["needsConfirmation"] is True
    assert annotation["description"] == "The.", "what an editor without a better preview shows"


async def test_edits_are_not_previewed_where_the_user_does_not_want_it(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start(options={"actions": {"preview": False}})
    editor.open("Teh.\n", uri=NOTE, language="markdown")
    model.answers("The.")
    await answered(run(editor, "polish", NOTE, span(0, 0, 0, 0)))
    (params,) = editor.got("workspace/applyEdit")
    (annotation,) = params["edit"]["changeAnnotations"].values()
    assert "needsConfirmation" not in annotation


async def test_a_preview_that_the_user_dismissed_is_dismissed_in_silence(
    editor: Editor, model: ScriptedModel
) -> None:
    editor.answer["workspace/applyEdit"] = lambda params: {"applied": False}
    await editor.start()
    editor.open("Teh.\n", uri=NOTE, language="markdown")
    model.answers("The.")
    await answered(run(editor, "polish", NOTE, span(0, 0, 0, 0)))
    assert editor.got("window/showMessage") == editor.got("window/showDocument") == []


async def test_an_editor_that_says_it_annotates_gets_versions_too(
    editor: Editor, model: ScriptedModel
) -> None:
    """Neovim takes document changes and does not say so."""
    edit = {"changeAnnotationSupport": {"groupsOnLabel": True}}
    await editor.start({"workspace": {"applyEdit": True, "workspaceEdit": edit}})
    editor.open("Teh.\n", uri=NOTE, language="markdown")
    model.answers("The.")
    await answered(run(editor, "polish", NOTE, span(0, 0, 0, 0)))
    (params,) = editor.got("workspace/applyEdit")
    (change,) = params["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": NOTE, "version": 1}


async def test_names_are_suggested_in_words(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open(CODE)
    answer = model.answers("- `answer`: what it is.\n")
    await answered(run(editor, "suggestNames", URI, span(4, 8, 4, 8)))
    assert asked(answer).endswith("f\n\n    def f(self):\n        return 1")
    assert shown_document(editor) == "- `answer`: what it is.\n"
    assert editor.got("workspace/applyEdit") == []
    await answered(run(editor, "suggestNames", URI, span(1, 0, 1, 0)))
    assert "put the cursor on a name" in editor.got("window/showMessage")[-1]["message"]


@pytest.mark.parametrize("name", ["suggestNames", "writeTest"])
async def test_a_small_model_is_not_asked_for_what_it_was_not_taught(
    tmp_path: Path, name: str
) -> None:
    source = tmp_path / "code.py"
    with ScriptedModel({"wording": "brief"}) as small:
        async with Editor({"ASSISTANT_SERVER_URL": small.url}) as editor:
            await editor.start()
            editor.open(CODE, uri=source.as_uri())
            await answered(run(editor, name, source.as_uri(), span(4, 8, 4, 8)))
            (message,) = editor.got("window/showMessage")
    assert "use a larger model" in message["message"]


async def test_an_editor_of_old_gets_plain_edits(editor: Editor, model: ScriptedModel) -> None:
    await editor.start({"workspace": {"applyEdit": True}})
    editor.open("Teh.\n", uri=NOTE, language="markdown")
    model.answers("The.")
    await answered(run(editor, "polish", NOTE, span(0, 0, 0, 0)))
    (params,) = editor.got("workspace/applyEdit")
    assert params["edit"] == {"changes": {NOTE: [{"newText": "The.", "range": span(0, 0, 0, 4)}]}}


async def test_a_text_that_changed_meanwhile_is_left_alone_and_the_answer_is_kept(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start()
    editor.open("Teh cat.\n", uri=NOTE, language="markdown")
    answer = model.answers("The cat.", held=True)
    command = run(editor, "polish", NOTE, span(0, 0, 0, 0))
    await asyncio.to_thread(answer.wait_asked)
    editor.change("My ", span(0, 0, 0, 0), uri=NOTE)
    assert await listed(editor, NOTE, span(0, 0, 0, 0)), "the edit has arrived"
    answer.release()
    await answered(command)
    assert editor.got("workspace/applyEdit") == []
    assert "changed meanwhile" in editor.got("window/showMessage")[-1]["message"]
    assert shown_document(editor) == "The cat.\n"


async def test_an_action_that_was_offered_for_an_older_text_is_not_done(editor: Editor) -> None:
    await editor.start()
    editor.open("Teh cat.\n", uri=NOTE, language="markdown")
    action = (await listed(editor, NOTE, span(0, 0, 0, 0)))[0]
    editor.change("", uri=NOTE)
    await editor.request("workspace/executeCommand", action["command"])
    assert "changed meanwhile" in editor.got("window/showMessage")[-1]["message"]


async def test_an_edit_that_the_editor_refuses_is_told(
    editor: Editor, model: ScriptedModel
) -> None:
    reason = {"applied": False, "failureReason": "read-only"}
    editor.answer["workspace/applyEdit"] = lambda params: reason
    await editor.start()
    editor.open("Teh cat.\n", uri=NOTE, language="markdown")
    model.answers("The cat.")
    await answered(run(editor, "polish", NOTE, span(0, 0, 0, 0)))
    assert "read-only" in editor.got("window/showMessage")[-1]["message"]
    assert shown_document(editor) == "The cat.\n"


async def test_what_cannot_be_done_is_told(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    for language, name, text, said in (
        ("markdown", "polish", "# Heading only\n", "no paragraph here"),
        ("markdown", "continue", "# Heading only\n", "no text before the cursor"),
        ("python", "explain", "\n\n", "no code here"),
        ("python", "commentToCode", "x = 1\n", "put the cursor on a comment"),
    ):
        editor.open(text, language=language)
        await answered(run(editor, name, URI, span(0, 0, 0, 0)))
        assert said in editor.got("window/showMessage")[-1]["message"]


async def test_an_unchanged_text_is_told(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open("The cat.\n", uri=NOTE, language="markdown")
    model.answers("The cat.")
    await answered(run(editor, "polish", NOTE, span(0, 0, 0, 0)))
    assert "nothing to change" in editor.got("window/showMessage")[-1]["message"]


async def test_an_error_of_the_model_is_told(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open(CODE)
    model.refuses("the prompt is too long")
    await answered(run(editor, "explain", URI, span(0, 0, 0, 0)))
    (message,) = editor.got("window/showMessage")
    assert message == {"type": 1, "message": "assistant: the prompt is too long"}


async def test_a_problem_is_fixed_in_the_function_around_it(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start()
    editor.open(CODE)
    (fix,) = await listed(
        editor, URI, span(5, 0, 5, 0), diagnostics=[PROBLEM], only=["quickfix"], triggerKind=2
    )
    answer = model.answers("```python\ndef f(self):\n    return 2\n```\n")
    command = fix["command"]
    params = {"command": command["command"], "arguments": command["arguments"]}
    await editor.request("workspace/executeCommand", params)
    assert "undefined name\n\n    def f(self):\n        return 1" in asked(answer)
    (edit,) = edits(editor)
    assert edit["newText"] == "    def f(self):\n        return 2"
    assert edit["range"] == span(4, 0, 5, 16)


async def test_a_function_is_documented(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open(CODE)
    model.answers("Give one.\n\nAlways.")
    await answered(run(editor, "document", URI, span(5, 3, 5, 3)))
    (edit,) = edits(editor)
    assert edit["newText"] == '        """Give one.\n\n        Always.\n        """\n'
    assert edit["range"] == span(5, 0, 5, 0)


async def test_a_text_is_translated_in_both_directions(
    editor: Editor, model: ScriptedModel
) -> None:
    await editor.start()
    editor.open("The cat sat.\n\n猫坐着。\n", uri=NOTE, language="markdown")
    english, chinese = model.answers("猫坐着。"), model.answers("The cat sat.")
    await answered(run(editor, "translate", NOTE, span(0, 0, 3, 0)))
    assert "into simplified Chinese" in asked(english)
    assert "翻译成地道的英文" in asked(chinese)
    assert [edit["newText"] for edit in edits(editor)] == ["猫坐着。", "The cat sat."]


async def test_a_shortened_text_that_grew_is_refused(editor: Editor, model: ScriptedModel) -> None:
    await editor.start()
    editor.open("A cat sat there.\n", uri=NOTE, language="markdown")
    model.answers("A cat, which was black, sat there for a long time.")
    await answered(run(editor, "shorten", NOTE, span(0, 0, 0, 0)))
    assert editor.got("workspace/applyEdit") == []
    model.answers("A cat sat.")
    await answered(run(editor, "shorten", NOTE, span(0, 0, 0, 0)))
    assert edits(editor)[0]["newText"] == "A cat sat."
