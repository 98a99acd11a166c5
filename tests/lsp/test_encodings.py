"""Whatever an editor counts in, bytes, UTF-16 units or characters, every place is the right one.

Before each place stand, on its line and above it, Chinese, a character outside of the basic plane
and a combining mark: so each encoding counts otherwise.
"""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assistant.history import History, Suggestion
from tests.lsp.actions import NOTE, asked, listed
from tests.lsp.editor import CAPABLE, URI, Editor, answered
from tests.lsp.page import Page
from tests.lsp.scripted_model import Answer, ScriptedModel
from tests.lsp.test_writing_tests import CREATES

WIDE = "漢字😀e\u0301"
CODE = f"# {WIDE}\ndef f(a):\n    return '{WIDE}' + \n\n\ny = '{WIDE}'\n"
PLACE = f"return '{WIDE}' + "
QUIET = {"completion": {"ahead": False}, "actions": {"preview": False}}
PROSE = f"# {WIDE}\n\nTeh first {WIDE} text. Teh second {WIDE}.\n\nTeh last {WIDE} one.\n"

pytestmark = pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])


async def begun(editor: Editor, model: ScriptedModel, encoding: str) -> Page:
    """A page of code, and the model loaded."""
    able = await editor.start(CAPABLE, encoding=encoding, options=QUIET)
    assert able["positionEncoding"] == encoding
    page = Page(editor, CODE, encoding)
    assert await page.ghost(page.behind(PLACE)) == ("", page.behind(PLACE), page.behind(PLACE))
    await editor.wait_for("$/progress", lambda params: params["value"]["kind"] == "end")
    return page


def prompted(answer: Answer) -> str:
    prompt: str = answer.wait_asked()["prompt"]
    return prompt


async def recorded(editor: Editor) -> dict[str, Suggestion]:
    """End the server, and give what it recorded, by the text."""
    await editor.request("shutdown", None)
    editor.notify("exit", None)
    await editor.process.wait()
    with closing(History()) as history:
        return {one.text: one for one in history.find()}


async def acted(
    editor: Editor, name: str, page: Page, start: int, end: int, **more: object
) -> None:
    """Run an action, and make the edit that it asks for."""

    def make(params: Any) -> object:
        for change in params["edit"]["documentChanges"]:
            assert change["textDocument"] == {"uri": page.uri, "version": editor.version}
            page.make(change["edits"])
        return {"applied": True}

    editor.answer["workspace/applyEdit"] = make
    target = {"uri": page.uri, "range": page.range(start, end), **more}
    params = {"command": f"assistant.{name}", "arguments": [target]}
    await answered(editor.send_request("workspace/executeCommand", params))


async def test_typing_along_and_accepting(
    editor: Editor, model: ScriptedModel, encoding: str
) -> None:
    page = await begun(editor, model, encoding)
    place = page.type(page.behind(PLACE), "é")
    answer = model.answers(f" + '{WIDE}'.strip()")
    assert await page.ghost(place) == (f" + '{WIDE}'.strip()", place, place)
    assert prompted(answer).endswith(PLACE + "é")
    place = page.type(place, f" + '{WIDE[:3]}")
    rest, start, end = await page.ghost(place)
    assert (rest, start, end) == (f"{WIDE[3:]}'.strip()", place, place)
    page.edit(start, end, rest)
    assert f"{PLACE}é + '{WIDE}'.strip()\n" in page.text
    fate = (await recorded(editor))[f" + '{WIDE}'.strip()"].fate
    assert (fate.outcome, fate.kept) == ("accepted", True)


async def test_accepting_word_by_word(editor: Editor, model: ScriptedModel, encoding: str) -> None:
    page = await begun(editor, model, encoding)
    model.answers("漢字 + '😀' + more")
    place = page.behind(PLACE)
    rest, *_ = await page.ghost(place)
    for word in ("漢字", " +", " '😀"):
        page.edit(place, place, word)
        place, rest = place + len(word), rest.removeprefix(word)
        assert await page.ghost(place) == (rest, place, place)
    assert model.unused == 0, "the model is asked once"
    fate = (await recorded(editor))["漢字 + '😀' + more"].fate
    assert fate.outcome == "accepted_part"
    assert fate.accepted_characters == len("漢字 + '😀")


async def test_what_was_written_instead_is_recorded(
    editor: Editor, model: ScriptedModel, encoding: str
) -> None:
    page = await begun(editor, model, encoding)
    model.answers(f"'{WIDE}'")
    place = page.behind(PLACE)
    await page.ghost(place)
    page.type(place, f"a + {WIDE}")
    page.edit(page.behind("# "), page.behind("# "), "😀 above ")
    page.edit(page.behind("return '"), page.behind("return '漢"), "left of it 😀")
    fate = (await recorded(editor))[f"'{WIDE}'"].fate
    assert (fate.outcome, fate.replaced_by) == ("rejected", f"a + {WIDE}")


async def test_what_was_accepted_is_followed_through_edits_around_it(
    editor: Editor, model: ScriptedModel, encoding: str
) -> None:
    page = await begun(editor, model, encoding)
    model.answers(f"'{WIDE}'.lower()")
    place = page.behind(PLACE)
    text, start, end = await page.ghost(place)
    page.edit(start, end, text)
    page.edit(0, 0, f"# {WIDE}\n")
    page.edit(page.behind("return '"), page.behind(f"return '{WIDE}"), "😀")
    page.edit(page.behind(".lower()"), page.behind(".lower()"), " # 漢")
    fate = (await recorded(editor))[f"'{WIDE}'.lower()"].fate
    assert (fate.outcome, fate.kept) == ("accepted", True)


async def test_the_popup_replaces_the_word_at_the_cursor(
    editor: Editor, model: ScriptedModel, encoding: str
) -> None:
    page = await begun(editor, model, encoding)
    place = page.type(page.behind(PLACE), "漢pri")
    model.answers("nt(1)")
    params = {"textDocument": {"uri": URI}, "position": page.position(place)}
    (item,) = (await editor.request("textDocument/completion", params))["items"]
    page.make([item["textEdit"]])
    assert f"{PLACE}漢print(1)\n" in page.text


async def test_a_document_that_is_sent_whole_is_the_same_document(
    editor: Editor, model: ScriptedModel, encoding: str
) -> None:
    page = await begun(editor, model, encoding)
    model.answers(f"'{WIDE}'")
    place = page.behind(PLACE)
    await page.ghost(place)
    page.text = page.text[:place] + f"'{WIDE}'" + page.text[place:]
    editor.change(page.text)
    answer = model.answers(".upper()")
    place += len(f"'{WIDE}'")
    assert await page.ghost(place) == (".upper()", place, place)
    assert prompted(answer).endswith(f"{PLACE}'{WIDE}'")
    assert (await recorded(editor))[f"'{WIDE}'"].fate.outcome == "accepted"


@pytest.mark.parametrize(
    ("name", "begin", "end", "said", "shown", "wanted"),
    [
        ("commentToCode", "# 漢", "# 漢", "x = 1", f"# {WIDE}", f"# {WIDE}\nx = 1\ndef f(a):"),
        (
            "document",
            PLACE,
            PLACE,
            f"Give {WIDE}.",
            f"{PLACE.rstrip()}",
            f'def f(a):\n    """Give {WIDE}."""\n    return',
        ),
        (
            "fix",
            "return '漢",
            f"return '{WIDE}",
            f"def f(a):\n    return '{WIDE}'",
            f"unfinished 😀\n\ndef f(a):\n    {PLACE.rstrip()}",
            f"# {WIDE}\ndef f(a):\n    return '{WIDE}' \n\n\ny = '{WIDE}'\n",
        ),
    ],
    ids=["comment", "document", "fix"],
)
async def test_actions_on_code(
    editor: Editor,
    model: ScriptedModel,
    encoding: str,
    name: str,
    begin: str,
    end: str,
    said: str,
    shown: str,
    wanted: str,
) -> None:
    await editor.start(CAPABLE, encoding=encoding, options=QUIET)
    page = Page(editor, CODE, encoding)
    answer = model.answers(said)
    more = {"problem": "unfinished 😀"} if name == "fix" else {}
    await acted(editor, name, page, page.behind(begin), page.behind(end), **more)
    assert asked(answer).endswith(shown)
    assert wanted in page.text
    assert page.text.endswith(f"y = '{WIDE}'\n")
    (one,) = (await recorded(editor)).values()
    assert (one.fate.outcome, one.fate.kept) == ("accepted", True)


async def test_a_problem_that_is_listed_is_fixed_where_it_is(
    editor: Editor, model: ScriptedModel, encoding: str
) -> None:
    await editor.start(CAPABLE, encoding=encoding, options=QUIET)
    page = Page(editor, CODE, encoding)
    span = page.range(page.behind("y = '漢"), page.behind(f"y = '{WIDE}"))
    problem = {"range": span, "message": f"odd {WIDE}"}
    (action,) = await listed(editor, URI, span, diagnostics=[problem], only=["quickfix"])
    (target,) = action["command"]["arguments"]
    assert target["range"] == span
    answer = model.answers("y = '😀'")
    start, end = page.place(span["start"]), page.place(span["end"])
    await acted(editor, "fix", page, start, end, problem=target["problem"])
    assert asked(answer).endswith(f"odd {WIDE}\n\ny = '{WIDE}'")
    assert page.text == CODE.replace(f"y = '{WIDE}'", "y = '😀'")


async def test_a_selection_is_explained_and_a_name_is_named(
    editor: Editor, model: ScriptedModel, encoding: str
) -> None:
    await editor.start(CAPABLE, encoding=encoding, options=QUIET)
    page = Page(editor, f"x = '{WIDE}' + größe_漢\n", encoding)
    selected, named = model.answers("It is wide."), model.answers("- `width`")
    start = page.behind("x = '漢")
    await acted(editor, "explain", page, start, page.behind(WIDE))
    assert asked(selected).endswith(f"\n\n{WIDE[1:]}")
    place = page.behind("grö")
    await acted(editor, "suggestNames", page, place, place)
    assert asked(named).endswith(f"größe_漢\n\n{page.text.rstrip()}")


@pytest.mark.parametrize("name", ["polish", "expand", "shorten", "translate"])
async def test_rewriting_a_part_of_a_line_and_whole_paragraphs(
    editor: Editor, model: ScriptedModel, encoding: str, name: str
) -> None:
    await editor.start(CAPABLE, encoding=encoding, options=QUIET)
    page = Page(editor, PROSE, encoding, NOTE, "markdown")
    part = model.answers(f"A 2nd {WIDE}.")
    start = page.behind(f"{WIDE} text. ")
    await acted(editor, name, page, start, page.behind(f"Teh second {WIDE}."))
    assert asked(part).endswith(f"\n\nTeh second {WIDE}.")
    assert page.text == PROSE.replace(f"Teh second {WIDE}.", f"A 2nd {WIDE}.")
    first, last = f"A first {WIDE} text. A 2nd {WIDE}.", f"A last {WIDE} one."
    model.answers(first)
    model.answers(last)
    editor.requests.clear()
    await acted(editor, name, page, page.behind("Teh first 漢"), len(page.text) - 2)
    assert page.text == f"# {WIDE}\n\n{first}\n\n{last}\n"
    kept = {text: one.fate.outcome for text, one in (await recorded(editor)).items()}
    assert kept[first] == kept[last] == "accepted"


async def test_continuing_at_the_cursor(
    editor: Editor, model: ScriptedModel, encoding: str
) -> None:
    await editor.start(CAPABLE, encoding=encoding, options=QUIET)
    page = Page(editor, PROSE, encoding, NOTE, "markdown")
    answer = model.answers(f"It goes on {WIDE}.")
    place = page.behind(f"Teh second {WIDE}.")
    await acted(editor, "continue", page, place, place)
    assert asked(answer).endswith(f"Teh second {WIDE}.")
    assert f"Teh second {WIDE}. It goes on {WIDE}.\n\nTeh last" in page.text
    (one,) = (await recorded(editor)).values()
    assert (one.fate.outcome, one.fate.kept) == ("accepted", True)


async def test_a_test_goes_behind_what_is_there(
    editor: Editor, model: ScriptedModel, encoding: str, tmp_path: Path
) -> None:
    await editor.start(CREATES, encoding=encoding, options=QUIET)
    (tmp_path / ".git").mkdir()
    source = Page(editor, CODE, encoding, (tmp_path / "漢.py").as_uri())
    tests = Page(editor, f"x = '{WIDE}'", encoding, (tmp_path / "test_漢.py").as_uri())
    model.answers(f"def test_f():\n    assert '{WIDE}'")

    def make(params: Any) -> object:
        (change,) = params["edit"]["documentChanges"]
        assert change["textDocument"]["uri"] == tests.uri
        tests.make(change["edits"])
        return {"applied": True}

    editor.answer["workspace/applyEdit"] = make
    place = source.range(source.behind("return '漢"), source.behind("return '漢"))
    params = {"command": "assistant.writeTest", "arguments": [{"uri": source.uri, "range": place}]}
    await answered(editor.send_request("workspace/executeCommand", params))
    assert tests.text == f"x = '{WIDE}'\n\ndef test_f():\n    assert '{WIDE}'\n"
