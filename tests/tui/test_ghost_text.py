"""What could come next appears behind the cursor, and is taken, typed along with or left."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from assistant.config import Settings
from assistant_tui.remembered import Remembered, recall
from assistant_tui.themes import SIXTEEN_COLOURS
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.conftest import Home, running

TEXT = "# Today\n\nTeh meeting is tomorow.\n\nNobody knows.\n"
NEXT = " why it rains on Mondays."
HARBOUR = (
    " and then we walked along the river until the lights of the harbour could be seen, everybody"
    " was tired, and nobody wanted to go home."
)
RAIN = (
    "，今天早上我们本来打算去公园里散步，可是天空突然变得很暗，不久就下起了大雨，"
    "于是大家决定留在家里喝茶、看书、聊天，一直等到傍晚雨停了，才带着孩子和小狗"
    "慢慢地沿着河边走到桥头，看见彩虹挂在山顶上。"
)


@pytest.fixture
def writer() -> Iterator[ScriptedModel]:
    with ScriptedModel() as writer:
        yield writer


@asynccontextmanager
async def writing(
    note: Path, writer: ScriptedModel, state: Remembered | None = None
) -> AsyncIterator[Home]:
    """The app with a note, when its model is loaded; the cursor is at the end of the text."""
    settings = Settings(server_url=writer.url)
    folder = note.parent.parent if note.parent.name == "ideas" else note.parent
    async with running(folder, settings, state=state or Remembered()) as home:
        await home.until(lambda: home.app.model.at_hand)
        await home.open(note)
        await home.press("ctrl+end")
        yield home


@pytest.fixture
async def desk(today: Path, writer: ScriptedModel) -> AsyncIterator[Home]:
    async with writing(today, writer) as home:
        yield home


def rows(home: Home) -> list[str]:
    """The editor as it is drawn."""
    return [s.text.strip() for s in home.editor.render_lines(home.editor.size.region)]


async def write(home: Home, text: str) -> None:
    """Write all of it at once, so that there is a pause behind it and none inside."""
    home.editor.insert(text)
    await home.pilot.pause()


async def type_keys(home: Home, text: str) -> None:
    names = {" ": "space", ".": "full_stop"}
    await home.press(*(names.get(letter, letter) for letter in text))


async def suggested(home: Home, text: str) -> None:
    await home.until(lambda: home.editor.ghost == text)


async def left_alone(home: Home, writer: ScriptedModel) -> None:
    """Wait for the pause in which something would be asked for, and see that nothing was."""
    await home.pilot.pause()
    await home.until(lambda: home.pane._pause is None)
    await home.pilot.pause()
    assert not writer.requests
    assert not home.editor.ghost


async def test_in_a_pause_it_appears_behind_the_cursor(desk: Home, writer: ScriptedModel) -> None:
    writer.answers(" why it rains", " on Mondays.", " Nor does she.")
    await write(desk, "I know")
    await suggested(desk, NEXT)
    assert rows(desk)[5] == "I know" + NEXT, "one sentence of it"
    assert desk.text == TEXT + "I know", "it is no part of the note"
    assert writer.requests[0]["prompt"] == TEXT + "I know"


@pytest.mark.parametrize("theme", ["ink", "paper", SIXTEEN_COLOURS])
async def test_it_is_muted(today: Path, writer: ScriptedModel, theme: str) -> None:
    writer.answers(NEXT)
    async with writing(today, writer, Remembered(theme=theme)) as home:
        await write(home, "I know")
        await suggested(home, NEXT)
        strip = home.editor.render_lines(home.editor.size.region)[5]
        looks = {part.text.strip(): part.style for part in strip}
        typed, muted = looks["I know"], looks["why it rains on Mondays."]
        assert typed is not None and muted is not None
        assert (muted.color, muted.dim) != (typed.color, typed.dim)
        assert muted.bgcolor == typed.bgcolor


async def test_typing_along_asks_nobody(desk: Home, writer: ScriptedModel) -> None:
    writer.answers(NEXT)
    writer.answers(" And why it snows.")
    await write(desk, "I know")
    await suggested(desk, NEXT)
    await type_keys(desk, " why it")
    assert desk.editor.ghost == " rains on Mondays."
    await type_keys(desk, " rains on Mondays.")
    assert desk.editor.ghost == ""
    await suggested(desk, " And why it snows.")
    assert [request["prompt"] for request in writer.requests] == [
        TEXT + "I know",
        TEXT + "I know" + NEXT,
    ]


@pytest.mark.parametrize("key", ["right", "end"])
async def test_it_is_taken_whole_and_undone_in_one_step(
    desk: Home, today: Path, writer: ScriptedModel, key: str
) -> None:
    writer.answers(NEXT)
    await write(desk, "I know")
    await suggested(desk, NEXT)
    await desk.press(key)
    assert desk.text == TEXT + "I know" + NEXT
    await desk.saved(today, desk.text)
    await desk.press("ctrl+z")
    assert desk.text == TEXT + "I know"
    assert desk.editor.ghost == ""
    await desk.saved(today, desk.text)


async def test_it_is_taken_word_by_word(desk: Home, writer: ScriptedModel) -> None:
    writer.answers(" why, 但是今天，不。")
    await write(desk, "I know")
    await suggested(desk, " why, 但是今天，不。")
    for taken in (" why,", " 但", "是", "今", "天，", "不。"):
        before = desk.text
        await desk.press("ctrl+right")
        assert desk.text == before + taken
    await desk.press("ctrl+z")
    assert desk.text == TEXT + "I know why, 但是今天，"


async def test_escape_takes_it_away_until_the_next_key(desk: Home, writer: ScriptedModel) -> None:
    writer.answers(NEXT)
    await write(desk, "I know")
    await suggested(desk, NEXT)
    await desk.press("escape")
    assert desk.editor.ghost == ""
    assert desk.editor.has_focus
    assert rows(desk)[5] == "I know"
    await write(desk, " w")
    assert desk.editor.ghost == "hy it rains on Mondays."


@pytest.mark.parametrize("key", ["left", "up", "backspace", "ctrl+z", "shift+left"])
async def test_it_goes_when_the_cursor_does(desk: Home, writer: ScriptedModel, key: str) -> None:
    writer.answers(NEXT)
    await write(desk, "I know")
    await suggested(desk, NEXT)
    await desk.press(key)
    assert desk.editor.ghost == ""


async def test_the_newest_request_ends_the_former(desk: Home, writer: ScriptedModel) -> None:
    former = writer.answers(NEXT, held=True)
    writer.answers(" nothing.")
    await write(desk, "I know")
    await desk.until(former.asked.is_set)
    await write(desk, "?")
    await suggested(desk, " nothing.")
    await desk.until(former.ended.is_set)
    assert former.dropped


async def test_a_request_goes_on_while_what_is_typed_agrees(
    desk: Home, writer: ScriptedModel
) -> None:
    answer = writer.answers(" why it", " rains.", stops_before=1)
    await write(desk, "I know")
    await desk.until(answer.asked.is_set)
    await desk.until(lambda: " why it" in job_text(desk))
    await write(desk, " why")
    answer.release()
    await suggested(desk, " it rains.")
    assert len(writer.requests) == 1


def job_text(home: Home) -> str:
    """What the model has written so far."""
    jobs = home.pane.continuing._generations._jobs
    return "".join(job.suggestion.raw for job in jobs.values())


async def test_the_next_item_of_a_list_comes_with_enter(desk: Home, writer: ScriptedModel) -> None:
    writer.answers("\n- bread and butter\n- jam")
    await write(desk, "- milk")
    await desk.until(lambda: desk.pane.continuing._generations.made.said(desk.pane._path, "bread"))
    assert desk.editor.ghost == "", "what begins on another line is not shown on this one"
    await desk.press("enter")
    assert desk.text.endswith("- milk\n- ")
    assert desk.editor.ghost == "bread and butter"
    assert len(writer.requests) == 1


async def test_a_long_one_flows_and_what_stands_below_makes_room(
    folder: Path, writer: ScriptedModel
) -> None:
    note = folder / "wide.md"
    note.write_text("一二三\n\nbelow\n")
    sentence = RAIN
    writer.answers(sentence)
    async with writing(note, writer) as home:
        home.editor.move_cursor((0, 3))
        await write(home, "四")
        await suggested(home, sentence)
        drawn = rows(home)
        assert "".join(drawn[:3]) == "一二三四" + sentence
        assert drawn[3:5] == ["", "below"]
        strips = home.editor.render_lines(home.editor.size.region)
        assert {strip.cell_length for strip in strips} == {home.editor.size.width}
        await home.pilot.click(home.editor, offset=(3, 4))
        assert home.editor.cursor_location == (2, 2), "a click lands where one points"
        assert rows(home)[:3] == ["一二三四", "", "below"]


async def test_it_is_seen_at_the_bottom_of_the_screen(folder: Path, writer: ScriptedModel) -> None:
    note = folder / "long.md"
    note.write_text("line\n" * 100)
    sentence = HARBOUR
    writer.answers(sentence)
    async with writing(note, writer) as home:
        await write(home, "last")
        await suggested(home, sentence)
        assert " ".join(rows(home)[-3:]).endswith("last" + sentence)


async def test_marks_behind_the_cursor_stay_behind_it(desk: Home, writer: ScriptedModel) -> None:
    await write(desk, "(I know)")
    await desk.press("left")
    writer.answers(NEXT)
    await write(desk, "!")
    await suggested(desk, NEXT)
    assert rows(desk)[5] == "(I know!" + NEXT + ")"
    await desk.press("end")
    assert desk.text == TEXT + "(I know!" + NEXT + ")"


async def test_nothing_is_suggested_inside_a_line(desk: Home, writer: ScriptedModel) -> None:
    desk.editor.move_cursor((2, 3))
    await write(desk, "x")
    await left_alone(desk, writer)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("---\ntitle: \n---\n\nText.\n", (1, 7)),
        ("Text.\n\n```python\nx = \n```\n", (3, 4)),
        ("Text.\n\n    code\n", (2, 8)),
    ],
    ids=["front matter", "fence", "indented"],
)
async def test_nothing_is_suggested_where_there_is_no_prose(
    folder: Path, writer: ScriptedModel, text: str, place: tuple[int, int]
) -> None:
    note = folder / "code.md"
    note.write_text(text)
    async with writing(note, writer) as home:
        home.editor.move_cursor(place)
        await write(home, "y")
        await left_alone(home, writer)


async def test_nothing_is_suggested_for_what_was_pasted_or_taken_back(
    desk: Home, writer: ScriptedModel
) -> None:
    desk.editor.insert("Two lines\nthat were copied from somewhere")
    await desk.press("backspace")
    await left_alone(desk, writer)


async def test_nothing_is_suggested_while_a_review_is_open(
    desk: Home, writer: ScriptedModel
) -> None:
    answer = writer.answers("The meeting is tomorrow.")
    desk.editor.move_cursor((2, 4))
    await desk.press("ctrl+r")
    await desk.proposed()
    await desk.press("tab", "ctrl+end", "x")
    await desk.pilot.pause()
    await desk.until(lambda: desk.pane._pause is None)
    assert writer.requests == [answer.request]
    writer.answers(" marks the spot.")
    await desk.press("escape", "escape")
    await desk.until(lambda: not desk.review.display)
    await desk.press("ctrl+end", "y")
    await suggested(desk, " marks the spot.")


async def test_nothing_is_said_when_the_model_cannot(desk: Home, writer: ScriptedModel) -> None:
    refused = writer.refuses("no such thing")
    writer.answers(NEXT)
    await write(desk, "I")
    await desk.until(refused.ended.is_set)
    await write(desk, " know")
    await suggested(desk, NEXT)
    assert desk.said == []


async def test_without_a_model_nothing_appears_and_nothing_more_is_said(
    folder: Path, today: Path
) -> None:
    async with running(folder, Settings(server_url="http://127.0.0.1:9/v1")) as home:
        await home.until(lambda: any("cannot be reached" in line for line in home.said))
        await home.open(today)
        await home.press("ctrl+end", *"more")
        await home.pilot.pause()
        await home.until(lambda: home.pane._pause is None)
        assert home.editor.ghost == ""
        assert len(home.said) == 1


async def test_it_is_turned_off_and_stays_so(today: Path, writer: ScriptedModel) -> None:
    async with writing(today, writer) as home:
        await home.press("ctrl+l")
        assert home.said == ["Suggestions are off."]
        await write(home, "I know")
        await left_alone(home, writer)
        await home.press("ctrl+q")
        await home.until(lambda: not home.app.is_running)
    async with writing(today, writer, recall()) as home:
        await write(home, "?")
        await left_alone(home, writer)
        writer.answers(NEXT)
        await home.press("ctrl+l", "x")
        await suggested(home, NEXT)


async def test_a_small_model_suggests_when_it_is_told_to(today: Path) -> None:
    with ScriptedModel({"wording": "brief"}) as small:
        async with writing(today, small) as home:
            await write(home, "I")
            await left_alone(home, small)
            small.answers(NEXT)
            await home.press("ctrl+l")
            assert home.said == ["Suggestions are on."]
            await write(home, " know")
            await suggested(home, NEXT)


@pytest.mark.parametrize("size", [(10, 3), (1, 1), (30, 8), (250, 80)])
async def test_any_size_of_the_terminal(
    desk: Home, writer: ScriptedModel, size: tuple[int, int]
) -> None:
    writer.answers(NEXT)
    await write(desk, "I know")
    await suggested(desk, NEXT)
    await desk.pilot.resize_terminal(*size)
    await desk.press("end")
    assert desk.text == TEXT + "I know" + NEXT
