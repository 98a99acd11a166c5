"""What became of what was suggested in a note is in the record of use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lsp.scripted_model import ScriptedModel
from tests.tui.test_ghost_text import NEXT, TEXT, suggested, type_keys, write, writing
from tests.tui.test_review import recorded


@pytest.fixture
def writer() -> Iterator[ScriptedModel]:
    with ScriptedModel() as writer:
        yield writer


@pytest.mark.parametrize(
    ("keys", "outcome", "characters"),
    [
        (["right"], "accepted", len(NEXT)),
        (["space", "w", "end"], "accepted", len(NEXT)),
        (["ctrl+right"], "accepted_part", len(" why")),
        (["ctrl+right", "ctrl+right", "right"], "accepted", len(NEXT)),
        (["right", "ctrl+z"], "undone", 0),
        (["!"], "rejected", 0),
        (["escape"], "shown", 0),
    ],
)
async def test_what_became_of_it_is_recorded(
    today: Path, writer: ScriptedModel, keys: list[str], outcome: str, characters: int
) -> None:
    writer.answers(NEXT)
    async with writing(today, writer) as home:
        await write(home, "I know")
        await suggested(home, NEXT)
        await home.press(*keys)
        await home.pilot.pause()
    (one,) = recorded()
    assert (one.kind, one.text, one.prefix) == ("completion", NEXT, TEXT + "I know")
    assert (one.path, one.workspace) == (str(today), str(today.parent.parent))
    assert (one.model, one.language) == ("scripted", "markdown")
    assert (one.fate.outcome, one.fate.accepted_characters) == (outcome, characters)


async def test_what_is_typed_along_with_is_one_suggestion(
    today: Path, writer: ScriptedModel
) -> None:
    writer.answers(NEXT)
    async with writing(today, writer) as home:
        await write(home, "I know")
        await suggested(home, NEXT)
        await type_keys(home, NEXT)
    (one,) = recorded()
    assert (one.text, one.fate.outcome) == (NEXT, "typed")


async def test_another_note_ends_the_watch(folder: Path, writer: ScriptedModel) -> None:
    writer.answers(NEXT)
    async with writing(folder / "ideas" / "today.md", writer) as home:
        await write(home, "I know")
        await suggested(home, NEXT)
        await home.press("right")
        await home.open(folder / "Reading.md")
        await home.until(lambda: [one.fate.similarity for one in recorded()] == [1.0])


async def test_nothing_is_recorded_where_that_is_off(
    folder: Path, today: Path, writer: ScriptedModel
) -> None:
    (folder / ".assistant.toml").write_text("record = false\n")
    writer.answers(NEXT)
    async with writing(today, writer) as home:
        await write(home, "I know")
        await suggested(home, NEXT)
        await home.press("right")
    assert recorded() == []
