"""A test is written into the file that is there for it, or into a new one that the editor makes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.actions import asked, listed, run, shown_document
from tests.lsp.editor import CAPABLE, Editor, answered, span
from tests.lsp.scripted_model import ScriptedModel

SOURCE = "def double(a):\n    return 2 * a\n"
TEST = "def test_double():\n    assert double(2) == 4\n"
CREATES: dict[str, Any] = {
    **CAPABLE,
    "workspace": {
        **CAPABLE["workspace"],
        "workspaceEdit": {
            **CAPABLE["workspace"]["workspaceEdit"],
            "resourceOperations": ["create"],
        },
    },
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "tests").mkdir()
    file = tmp_path / "numbers.py"
    file.write_text(SOURCE)
    return file


async def written(editor: Editor, source: Path) -> dict[str, Any]:
    """The edit that the editor is asked for."""
    await answered(run(editor, "writeTest", source.as_uri(), span(1, 4, 1, 4)))
    (params,) = editor.got("workspace/applyEdit")
    edit: dict[str, Any] = params["edit"]
    return edit


async def test_a_new_file_is_made_for_it(
    editor: Editor, model: ScriptedModel, source: Path
) -> None:
    await editor.start(CREATES)
    editor.open(SOURCE, uri=source.as_uri())
    answer = model.answers(f"Here:\n```python\n{TEST}```\nDone.")
    edit = await written(editor, source)
    assert "numbers.py:\ndef double(a):" in asked(answer)
    assert asked(answer).endswith("Tests go into tests/test_numbers.py, which is new.")
    uri = (source.parent / "tests" / "test_numbers.py").as_uri()
    creation, change = edit["documentChanges"]
    assert (creation["kind"], creation["uri"]) == ("create", uri)
    assert creation["options"] == {"ignoreIfExists": True}, "what is there by then stays"
    assert change["textDocument"] == {"uri": uri, "version": None}
    (inserted,) = change["edits"]
    assert (inserted["newText"], inserted["range"]) == (TEST, span(0, 0, 0, 0))
    assert set(edit["changeAnnotations"]) == {inserted["annotationId"], creation["annotationId"]}
    (shown,) = editor.got("window/showDocument")
    assert shown["uri"] == uri and shown["takeFocus"] is False


async def test_it_is_added_to_the_file_that_is_there(
    editor: Editor, model: ScriptedModel, source: Path
) -> None:
    await editor.start()
    editor.open(SOURCE, uri=source.as_uri())
    tests = source.parent / "tests" / "test_numbers.py"
    tests.write_text("from numbers import double\n\n\ndef test_none(): ...\n\n")
    answer = model.answers(TEST)
    (change,) = (await written(editor, source))["documentChanges"]
    assert "tests/test_numbers.py, which begins:\nfrom numbers import double" in asked(answer)
    (edit,) = change["edits"]
    assert edit["range"] == span(3, 20, 5, 0)
    assert edit["newText"] == f"\n\n\n{TEST}"
    assert change["textDocument"] == {"uri": tests.as_uri(), "version": None}


async def test_a_file_of_tests_that_is_open_is_taken_as_it_is_in_the_editor(
    editor: Editor, model: ScriptedModel, source: Path
) -> None:
    await editor.start()
    tests = source.parent / "tests" / "test_numbers.py"
    tests.write_text("old\n")
    editor.open(SOURCE, uri=source.as_uri())
    editor.open("not saved yet\r\n", uri=tests.as_uri())
    answer = model.answers(TEST, held=True)
    command = run(editor, "writeTest", source.as_uri(), span(1, 4, 1, 4))
    await asyncio.to_thread(answer.wait_asked)
    assert "not saved yet" in asked(answer)
    editor.change("# typed while the model thinks\r\n", span(1, 0, 1, 0), uri=tests.as_uri())
    assert await listed(editor, tests.as_uri(), span(0, 0, 0, 0)), "the edit has arrived"
    answer.release()
    await answered(command)
    (params,) = editor.got("workspace/applyEdit")
    (change,) = params["edit"]["documentChanges"]
    assert change["textDocument"] == {"uri": tests.as_uri(), "version": 2}
    (edit,) = change["edits"]
    assert edit["range"] == span(1, 30, 2, 0)
    assert edit["newText"] == ("\n\n" + TEST).replace("\n", "\r\n")


async def test_where_the_editor_makes_no_files_it_is_shown(
    editor: Editor, model: ScriptedModel, source: Path
) -> None:
    await editor.start()
    editor.open(SOURCE, uri=source.as_uri())
    model.answers(TEST)
    await answered(run(editor, "writeTest", source.as_uri(), span(1, 4, 1, 4)))
    assert editor.got("workspace/applyEdit") == []
    assert "make files" in editor.got("window/showMessage")[-1]["message"]
    assert shown_document(editor) == TEST


async def test_what_has_no_place_for_a_test_is_told(
    editor: Editor, model: ScriptedModel, source: Path
) -> None:
    await editor.start()
    editor.open("x = 1\n", uri=source.as_uri())
    await answered(run(editor, "writeTest", source.as_uri(), span(0, 0, 0, 0)))
    assert "into a function or class" in editor.got("window/showMessage")[-1]["message"]
    editor.open(SOURCE, uri="untitled:1")
    await answered(run(editor, "writeTest", "untitled:1", span(0, 0, 0, 0)))
    assert "save the file first" in editor.got("window/showMessage")[-1]["message"]
    (source.parent / "tests" / "test_numbers.py").write_bytes(b"\xff\xfe")
    await answered(run(editor, "writeTest", source.as_uri(), span(0, 0, 0, 0)))
    editor.open(SOURCE, uri=source.as_uri())
    await answered(run(editor, "writeTest", source.as_uri(), span(0, 0, 0, 0)))
    assert "cannot be read" in editor.got("window/showMessage")[-1]["message"]
