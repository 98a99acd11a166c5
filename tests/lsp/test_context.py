"""What a completion is sent beside the file, over the wire, and how the user gets to see it."""

import asyncio
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from assistant.context.resolve import Place
from assistant_lsp.librarian import Librarian
from tests.lsp.editor import Editor, span
from tests.lsp.scripted_model import PATIENCE, ScriptedModel
from tests.server.processes import end_recorded_server

SHOP = '''"""Prices."""


def price_of(article: str, count: int = 1) -> float:
    """What so many of an article cost."""
    return 2.0 * count
'''
MAIN = "from shop.prices import price_of\n\n\ndef total(basket):\n    return sum(price_of("
END = (4, len("    return sum(price_of("))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "shop").mkdir(parents=True)
    (root / "shop" / "prices.py").write_text(SHOP)
    (root / "main.py").write_text(MAIN)
    return root


async def start(editor: Editor, *roots: Path, **settings: Any) -> None:
    await editor.start(
        options={"completion": {"ahead": False, "budgetMs": 0}, **settings},
        folders=[{"uri": root.as_uri(), "name": root.name} for root in roots],
    )


async def prompt_at(
    editor: Editor, model: ScriptedModel, path: Path, place: tuple[int, int] = END
) -> str:
    """What the model is sent for a completion. It has nothing to say, and so is asked again."""
    answer = model.answers("")
    while not answer.asked.is_set():
        await editor.ghost(*place, uri=path.as_uri())
    return str(answer.wait_asked()["prompt"])


async def prompt_with(
    wanted: str,
    editor: Editor,
    model: ScriptedModel,
    path: Path,
    place: tuple[int, int] = END,
) -> str:
    """The first prompt that holds a text."""
    async with asyncio.timeout(PATIENCE):
        while wanted not in (prompt := await prompt_at(editor, model, path, place)):
            await asyncio.sleep(0.05)
    return prompt


async def test_the_model_reads_the_definition_of_what_is_imported(
    editor: Editor, model: ScriptedModel, project: Path
) -> None:
    await start(editor, project)
    main = project / "main.py"
    editor.open(MAIN, uri=main.as_uri())
    prompt = await prompt_with("price_of(article", editor, model, main)
    assert prompt.startswith(
        "# shop/prices.py\n# def price_of(article: str, count: int = 1) -> float:\n"
        '#     """What so many of an article cost."""\n'
    )
    assert prompt.endswith(MAIN)
    editor.change("artic", span(*END, *END), uri=main.as_uri())
    typed = await prompt_at(editor, model, main, (END[0], END[1] + 5))
    assert typed == prompt + "artic", "it stays as it is from key to key"


async def shown(editor: Editor, path: Path) -> str:
    """What the user gets to see of what was sent."""
    before = len(editor.got("window/showDocument"))
    arguments = {"command": "assistant.showContext", "arguments": [path.as_uri()]}
    await editor.request("workspace/executeCommand", arguments)
    uri = editor.got("window/showDocument")[before]["uri"]
    return Path(unquote(urlsplit(uri).path)).read_text()


async def test_the_user_sees_what_was_sent(
    editor: Editor, model: ScriptedModel, project: Path
) -> None:
    await start(editor, project)
    main = project / "main.py"
    editor.open(MAIN + "\n\nprint(total([]))\n", uri=main.as_uri())
    await editor.request(
        "workspace/executeCommand",
        {"command": "assistant.showContext", "arguments": [main.as_uri()]},
    )
    told = await editor.wait_for("window/showMessage")
    assert told["message"] == "assistant: nothing was sent for this document yet"
    await prompt_with("price_of(article", editor, model, main)
    text = await shown(editor, main)
    titles = [line for line in text.split("\n") if line.startswith("#")]
    assert titles[:2] == [
        "# What was sent to complete main.py",
        "## 1. shop/prices.py `price_of` (definitions that the file imports or names), "
        "95 characters",
    ]
    assert f"```python\n{MAIN}\n```" in text
    assert "```python\n\n\nprint(total([]))\n\n```" in text
    assert "scripted was sent" in text


async def test_a_model_that_was_not_taught_to_read_others_is_sent_none(project: Path) -> None:
    try:
        async with Editor({}) as editor:
            await start(editor, project)
            main = project / "main.py"
            code = "import os\n\n\ndef first(path):\n    "
            editor.open(code, uri=main.as_uri())

            async def ask() -> str:
                found = await editor.ghost(4, 4, uri=main.as_uri())
                return "something" if found else ""

            await editor.until(ask, "something")
            text = await shown(editor, main)
            assert "There are no pieces of other files: starter was not taught to read" in text
            titles = [line for line in text.split("\n") if line.startswith("## ")]
            assert titles == [
                "## 1. Behind the cursor, 0 characters",
                f"## 2. Before the cursor, {len(code)} characters",
            ], "the starter reads them in this order"
    finally:
        end_recorded_server()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"context": {"enabled": False}}, "context.enabled is off"),
        ({"context": {"disabledFolders": ["*/project"]}}, "for this folder"),
    ],
)
async def test_the_settings_turn_it_off(
    editor: Editor, model: ScriptedModel, project: Path, settings: dict[str, Any], reason: str
) -> None:
    await start(editor, project, **settings)
    main = project / "main.py"
    editor.open(MAIN, uri=main.as_uri())
    assert await editor.ghost(*END, uri=main.as_uri()) == ""
    assert await prompt_at(editor, model, main) == MAIN
    assert reason in await shown(editor, main)


async def test_a_project_turns_it_off(editor: Editor, model: ScriptedModel, project: Path) -> None:
    (project / ".assistant.toml").write_text("context = false\n")
    await start(editor, project)
    main = project / "main.py"
    editor.open(MAIN, uri=main.as_uri())
    assert await prompt_at(editor, model, main) == MAIN
    assert "`context` is off" in await shown(editor, main)


async def test_prose_is_completed_without(
    editor: Editor, model: ScriptedModel, project: Path
) -> None:
    await start(editor, project)
    note = project / "note.md"
    editor.open("price_of(", uri=note.as_uri(), language="markdown")
    assert await prompt_at(editor, model, note, (0, 9)) == "price_of("
    assert "no code" in await shown(editor, note)


async def test_files_of_secrets_stay_out_on_disk_and_in_the_editor(
    editor: Editor, model: ScriptedModel, project: Path
) -> None:
    (project / "secrets.py").write_text("def own_key_one(): return 'on disk'\n")
    hidden = project / "id_rsa.py"
    await start(editor, project)
    editor.open("def own_key_two(): return 'in the editor'\n" * 3, uri=hidden.as_uri())
    main = project / "main.py"
    before = "from secrets import own_key_one\nfrom id_rsa import own_key_two\n"
    editor.open(before + MAIN, uri=main.as_uri())
    await editor.ghost(0, 5, uri=hidden.as_uri())
    prompt = await prompt_with("price_of(article", editor, model, main, (END[0] + 2, END[1]))
    assert "disk" not in prompt and "in the editor" not in prompt and "def own_key" not in prompt


async def test_what_is_not_saved_yet_counts_and_so_does_a_folder_that_is_added(
    editor: Editor, model: ScriptedModel, project: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "extra.py").write_text("def discount_for(customer): ...\n")
    await start(editor, project)
    prices, main = project / "shop" / "prices.py", project / "main.py"
    editor.open(SHOP.replace("article", "unsaved"), uri=prices.as_uri())
    editor.open(MAIN, uri=main.as_uri())
    await prompt_with("price_of(unsaved", editor, model, main)
    event = {"added": [{"uri": other.as_uri(), "name": "other"}], "removed": []}
    editor.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    editor.change("discount_for(", span(*END, *END), uri=main.as_uri())
    place = (END[0], END[1] + len("discount_for("))
    prompt = await prompt_with("discount_for(customer)", editor, model, main, place)
    assert prompt.index("price_of(unsaved") < prompt.index("discount_for(customer)")


async def test_places_that_were_worked_at_and_files_that_are_open(
    editor: Editor, model: ScriptedModel, project: Path
) -> None:
    await start(editor, project)
    worked, opened, main = (project / name for name in ("worked.py", "opened.py", "main.py"))
    lines = "".join(f"line_{n} = compute_{n}(other_{n})\n" for n in range(60))
    editor.open(lines, uri=worked.as_uri())
    editor.open("class Basket:\n    def put(self, article): ...\n", uri=opened.as_uri())
    await editor.ghost(50, 0, uri=worked.as_uri())
    editor.open(MAIN, uri=main.as_uri())
    prompt = await prompt_with("class Basket", editor, model, main)
    assert "# line_50 = compute_50(other_50)\n" in prompt
    assert "line_10 " not in prompt
    assert "# opened.py\n# class Basket:\n#     def put(self, article):\n" in prompt


async def test_a_librarian_that_dies_is_missed_by_nobody() -> None:
    librarian = Librarian(lambda: None, command=[sys.executable, "-c", ""])
    place = Place("", "a.py", "python", "", "", "")
    for _ in range(5):
        assert await librarian.ask(place, []) is None
    await librarian.aclose()
    missing = Librarian(lambda: None, command=["/nowhere/python"])
    assert await missing.ask(place, []) is None
    await missing.aclose()
