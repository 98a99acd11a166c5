"""What a completion is sent beside the file, over the wire, and how the user gets to see it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.lsp.editor import Editor, span
from tests.lsp.scripted_model import PATIENCE, ScriptedModel

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
        folders=[root.as_uri() for root in roots],
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
