"""What a model suggests is decided word by word, and the user's text is never lost."""

from pathlib import Path

import pytest
from textual.content import Content

from assistant.config import Settings
from assistant.history import History, Suggestion
from assistant_tui.notes.columns import Pair
from assistant_tui.notes.rewording import Rewording
from assistant_tui.notes.wish_menu import WishMenu
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import Home, running

TEXT = "# Today\n\nTeh meeting is tomorow.\n\nNobody knows.\n"
POLISHED = "The meeting is tomorrow."


def seen(home: Home) -> list[str]:
    """The two columns as they are drawn."""
    pairs = home.review.query(Pair)
    return [str(side.render()) for pair in pairs for side in pair.children if side.display]


def pointed(home: Home) -> list[str]:
    """The words of the change that the keys are about, as they are drawn."""
    contents = [side.render() for pair in home.review.query(Pair) for side in pair.children]
    return [
        content.plain[span.start : span.end]
        for content in contents
        if isinstance(content, Content)
        for span in content.spans
        if "reverse" in str(span.style)
    ]


def recorded() -> list[Suggestion]:
    history = History()
    try:
        return history.find()
    finally:
        history.close()


async def polished(home: Home, today: Path, model: ScriptedModel, answer: str = POLISHED) -> None:
    """Have the first paragraph polished."""
    model.answers(answer)
    await home.open(today)
    home.editor.move_cursor((2, 4))
    await home.press("ctrl+r")
    await home.proposed()


async def test_the_answer_is_seen_as_it_comes(
    home: Home, today: Path, model: ScriptedModel
) -> None:
    answer = model.answers("The meet", "ing is tomorrow.", stops_before=1)
    await home.open(today)
    home.editor.move_cursor((2, 4))
    await home.press("ctrl+r")
    await home.until(lambda: any("The meet" in side for side in seen(home)))
    assert home.review.proposal is None
    answer.release()
    await home.proposed()
    assert seen(home) == ["Teh meeting is tomorow.", POLISHED]


async def test_all_of_it_is_taken_and_undone_in_one_step(
    home: Home, today: Path, model: ScriptedModel
) -> None:
    await polished(home, today, model)
    await home.press("enter")
    await home.saved(today, TEXT.replace("Teh", "The").replace("tomorow", "tomorrow"))
    assert home.editor.has_focus
    assert not home.review.display
    await home.press("ctrl+z")
    assert home.text == TEXT
    await home.saved(today, TEXT)
    await home.press("ctrl+y")
    assert POLISHED in home.text


async def test_one_word_is_taken_and_the_other_refused(
    home: Home, today: Path, model: ScriptedModel
) -> None:
    await polished(home, today, model)
    before = pointed(home)
    await home.press("right")
    assert [before, pointed(home)] == [["Teh", "The"], ["tomorow", "tomorrow"]]
    await home.press("space")
    assert home.review.border_title == "Polish · 2 changes · 1 taken"
    assert seen(home)[1] == "The meeting is tomorow."
    await home.press("enter")
    assert home.text == TEXT.replace("Teh", "The")


async def test_a_sentence_none_and_all(home: Home, today: Path, model: ScriptedModel) -> None:
    await polished(home, today, model)
    await home.press("s")
    assert "0 taken" in str(home.review.border_title)
    await home.press("a")
    assert "all taken" in str(home.review.border_title)
    await home.press("n", "enter")
    assert home.text == TEXT


async def test_a_word_is_turned_by_a_click(home: Home, today: Path, model: ScriptedModel) -> None:
    await polished(home, today, model)
    await home.pilot.pause()
    await home.pilot.click(".new", offset=(1, 0))
    assert "1 taken" in str(home.review.border_title)
    await home.press("enter")
    assert home.text == TEXT.replace("tomorow", "tomorrow")


async def test_the_words_are_edited_before_they_are_taken(
    home: Home, today: Path, model: ScriptedModel
) -> None:
    await polished(home, today, model)
    await home.press("e")
    await home.until(lambda: isinstance(home.app.screen, Rewording))
    await home.press("!", "ctrl+s")
    await home.until(lambda: home.app.screen is home.screen)
    await home.press("enter")
    assert home.text == TEXT.replace("Teh meeting is tomorow.", POLISHED + "!")


async def test_only_prose_is_shown_to_the_model(
    home: Home, folder: Path, model: ScriptedModel
) -> None:
    path = folder / "code.md"
    path.write_text("# Teh head\n\n```\nteh = 1\n```\n\nTeh end.\n")
    answer = model.answers("The end.")
    await home.open(path)
    await home.press("ctrl+g", "tab", "enter")
    await home.proposed()
    assert "teh = 1" not in str(answer.request)
    await home.press("enter")
    assert home.text == "# Teh head\n\n```\nteh = 1\n```\n\nThe end.\n"


async def test_a_whole_note_is_asked_for_paragraph_by_paragraph(
    home: Home, today: Path, model: ScriptedModel
) -> None:
    model.answers(POLISHED)
    model.answers("Nobody knew.")
    await home.open(today)
    await home.press("ctrl+g")
    await home.until(lambda: isinstance(home.app.screen, WishMenu))
    await home.press("tab", "enter")
    await home.proposed()
    assert len(seen(home)) == 4
    await home.press("enter")
    assert home.text == f"# Today\n\n{POLISHED}\n\nNobody knew.\n"


async def test_the_selected_words_alone_are_asked_about(
    home: Home, today: Path, model: ScriptedModel
) -> None:
    answer = model.answers("tomorrow")
    await home.open(today)
    home.editor.move_cursor((2, 15))
    home.editor.move_cursor((2, 22), select=True)
    await home.press("ctrl+r")
    await home.proposed()
    assert answer.request["messages"][-1]["content"].endswith("\n\ntomorow")
    await home.press("enter")
    assert home.text == TEXT.replace("tomorow", "tomorrow")


@pytest.mark.parametrize(
    ("downs", "answer", "result"),
    [
        (1, "Teh meeting is tomorow, in the big room.", "Teh meeting is tomorow, in the big room."),
        (2, "Come early.", "Teh meeting is tomorow. Come early."),
        (3, "Teh meeting.", "Teh meeting."),
        (4, "会议在明天。", "会议在明天。"),
        (5, "Tomorrow, friends!", "Tomorrow, friends!"),
    ],
)
async def test_everything_that_can_be_asked_for(
    folder: Path, today: Path, model: ScriptedModel, downs: int, answer: str, result: str
) -> None:
    own = {"Friendly": "Say it in a friendlier way."}
    asked = model.answers(answer)
    async with running(folder, Settings(server_url=model.url, instructions=own)) as home:
        await home.open(today)
        home.editor.move_cursor((2, 4))
        await home.press("ctrl+g", *["down"] * downs, "enter")
        await home.proposed()
        await home.press("enter")
        assert home.text == TEXT.replace("Teh meeting is tomorow.", result)
    assert ("friendlier" in str(asked.request)) == (downs == 5)


async def test_who_types_elsewhere_meanwhile_loses_nothing(
    home: Home, today: Path, model: ScriptedModel
) -> None:
    answer = model.answers("The meeting", " is tomorrow.", stops_before=1)
    await home.open(today)
    home.editor.move_cursor((2, 4))
    await home.press("ctrl+r")
    await home.until(answer.asked.is_set)
    await home.press("tab", "ctrl+end", *"More", "escape")
    answer.release()
    await home.proposed()
    await home.press("enter")
    assert home.text == TEXT.replace("Teh meeting is tomorow.", POLISHED) + "More"


async def test_who_types_there_meanwhile_keeps_the_words_and_sees_the_answer(
    home: Home, today: Path, model: ScriptedModel
) -> None:
    await polished(home, today, model)
    await home.press("tab", "home", *"My ", "escape", "enter")
    assert "My Teh meeting is tomorow." in home.text
    assert home.review.display
    assert seen(home)[-1] == POLISHED
    await home.press("c")
    assert home.app.clipboard == POLISHED
    await home.press("escape")
    assert not home.review.display


async def test_a_proposal_ends_with_its_note(
    home: Home, folder: Path, today: Path, model: ScriptedModel
) -> None:
    await polished(home, today, model)
    await home.open(folder / "Reading.md")
    await home.until(lambda: not home.review.display)
    assert today.read_text() == TEXT


async def test_an_answer_is_stopped(home: Home, today: Path, model: ScriptedModel) -> None:
    answer = model.answers("The", " end", stops_before=1)
    await home.open(today)
    home.editor.move_cursor((2, 4))
    await home.press("ctrl+r")
    await home.until(answer.asked.is_set)
    await home.press("escape")
    await home.until(answer.ended.is_set)
    assert answer.dropped
    assert home.text == TEXT
    assert not home.review.display


async def test_a_refusal_of_the_server_is_said(
    home: Home, today: Path, model: ScriptedModel
) -> None:
    model.refuses("the model is on holiday")
    await home.open(today)
    home.editor.move_cursor((2, 4))
    await home.press("ctrl+r")
    await home.until(lambda: any("on holiday" in line for line in home.said))
    assert home.text == TEXT
    assert home.editor.has_focus


async def test_where_there_is_no_prose_one_is_told(home: Home, today: Path) -> None:
    await home.open(today)
    await home.press("ctrl+r")
    await home.until(lambda: any("no paragraph here" in line for line in home.said))


async def test_without_a_server_one_writes_and_is_told(folder: Path, today: Path) -> None:
    async with running(folder, Settings(server_url="http://127.0.0.1:9/v1")) as home:
        await home.until(lambda: any("cannot be reached" in line for line in home.said))
        await home.open(today)
        await home.press("ctrl+end", *"more")
        await home.saved(today, TEXT + "more")


@pytest.mark.parametrize(
    ("keys", "outcome", "replaced_by"),
    [
        (["enter"], "accepted", None),
        (["space", "enter"], "accepted_part", "Teh meeting is tomorrow."),
        (["escape"], "rejected", "Teh meeting is tomorow."),
        (["enter", "ctrl+z"], "undone", None),
    ],
)
async def test_what_was_decided_is_recorded(
    folder: Path,
    today: Path,
    model: ScriptedModel,
    keys: list[str],
    outcome: str,
    replaced_by: str | None,
) -> None:
    async with running(folder, Settings(server_url=model.url)) as home:
        await polished(home, today, model)
        await home.press(*keys)
        await home.pilot.pause()
    (one,) = recorded()
    assert (one.kind, one.text, one.prefix) == ("polish", POLISHED, "Teh meeting is tomorow.")
    assert (one.path, one.workspace, one.model) == (str(today), str(folder), "scripted")
    assert (one.fate.outcome, one.fate.replaced_by) == (outcome, replaced_by)


async def test_nothing_is_recorded_where_that_is_off(
    folder: Path, today: Path, model: ScriptedModel
) -> None:
    (folder / ".assistant.toml").write_text("record = false\n")
    async with running(folder, Settings(server_url=model.url)) as home:
        await polished(home, today, model)
        await home.press("enter")
    assert recorded() == []
