"""The chat in the app: asked, answered, stopped, branched, read."""

from asyncio import to_thread as in_thread
from pathlib import Path

import pytest
from textual.widgets import Markdown, Static

from assistant.config import Settings
from assistant.history import Chats, Turn
from assistant_tui.chat.dialogue import Dialogue
from assistant_tui.chat.turn_view import TurnView
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.room import Room, chatting, kept
from tests.tui.room import room as room


async def test_a_question_is_on_the_disk_before_it_is_sent(
    room: Room, model: ScriptedModel
) -> None:
    answer = model.answers("It is ", "**four**.", held=True)
    await room.ask("Two and two?\n圆 é")
    request = await in_thread(answer.wait_asked)
    ((title, (question,)),) = kept()
    assert (title, question.text) == ("Two and two?", "Two and two?\n圆 é")
    assert request["messages"] == [{"role": "user", "content": "Two and two?\n圆 é"}]
    await room.until(lambda: "Esc stops" in room.notice)
    assert room.typed == ""
    answer.release()
    await room.answered("Two and two?\n圆 é", "It is **four**.")
    await room.until(lambda: not room.notice)
    ((_, (_, turn)),) = kept()
    assert (turn.text, turn.end, turn.model) == ("It is **four**.", "done", "scripted")
    await room.until(lambda: room.titles == ["Two and two?"])


async def test_an_answer_is_on_the_disk_while_it_comes(room: Room, model: ScriptedModel) -> None:
    answer = model.answers("half of ", "it", stops_before=1)
    await room.ask("go")
    await room.until(lambda: [turn.text for turn in kept()[0][1]] == ["go", "half of "])
    assert kept()[0][1][1].end == "writing"
    answer.release()
    await room.answered("go", "half of it")


async def test_an_answer_is_stopped_and_asked_again_as_a_branch(
    room: Room, model: ScriptedModel
) -> None:
    stopped = model.answers("one ", "more", stops_before=1)
    await room.ask("go")
    await room.until(lambda: room.shown == ["go", "one"])
    await room.press("escape")
    await in_thread(stopped.wait_dropped)
    await room.answered("go", "one")
    model.answers("two")
    await room.press("ctrl+r")
    await room.answered("go", "two")
    assert [(turn.text, turn.end) for turn in kept()[0][1]] == [
        ("go", "done"),
        ("one ", "stopped"),
        ("two", "done"),
    ]
    view = await room.focus(1)
    assert "2/2" in str(view.query_one(".number", Static).render())
    await room.press("left")
    await room.answered("go", "one")


async def test_another_branch_is_read_while_one_is_written(
    room: Room, model: ScriptedModel
) -> None:
    model.answers("one")
    await room.ask("go")
    await room.answered("go", "one")
    answer = model.answers("two ", "and ", "more", stops_before=2)
    await room.press("ctrl+r")
    await room.until(lambda: room.shown == ["go", "two and"])
    await room.focus(1)
    await room.press("left")
    await room.until(lambda: room.shown == ["go", "one"])
    await room.press("right")
    await room.until(lambda: room.shown == ["go", "two and"])
    await room.press("plus")
    await room.until(lambda: [turn.thumb for turn in kept()[0][1]] == ["", "", "up"])
    answer.release()
    await room.answered("go", "two and more")
    assert [(turn.text, turn.thumb) for turn in kept()[0][1]][2] == ("two and more", "up")


async def test_an_earlier_question_is_edited_and_both_branches_stay(
    room: Room, model: ScriptedModel
) -> None:
    for question, said in (("one", "1"), ("two", "2")):
        model.answers(said)
        await room.ask(question)
        await room.until(lambda said=said: not room.talk.writing and said in room.shown)  # type: ignore[misc]
    await room.type("later")
    await room.focus(0)
    await room.press("e")
    await room.until(lambda: room.typed == "one")
    await room.type("!")
    answer = model.answers("3")
    await room.press("enter")
    await room.answered("one!", "3")
    assert [one["content"] for one in answer.request["messages"]] == ["one!"]
    assert room.typed == "later"  # what was being written then is there again
    await room.focus(0)
    await room.press("left")
    await room.answered("one", "1", "two", "2")


async def test_what_is_edited_and_left_is_there_again(room: Room, model: ScriptedModel) -> None:
    model.answers("1")
    await room.ask("one")
    await room.answered("one", "1")
    await room.focus(0)
    await room.press("e")
    await room.until(lambda: room.typed == "one")
    await room.type(" half")
    await room.press("escape")
    await room.until(lambda: room.typed == "")
    await room.focus(0)
    await room.press("e")
    await room.until(lambda: room.typed == "one half")


async def test_answers_are_rated(room: Room, model: ScriptedModel) -> None:
    model.answers("ok")
    await room.ask("go")
    await room.answered("go", "ok")
    for key, thumb in (("plus", "up"), ("minus", "down"), ("minus", "")):
        await room.focus(1)
        await room.press(key)
        await room.until(lambda thumb=thumb: kept()[0][1][1].thumb == thumb)  # type: ignore[misc]


async def test_what_goes_wrong_is_one_line_and_the_question_stays(
    room: Room, model: ScriptedModel
) -> None:
    model.refuses("the prompt has 9 tokens too many")
    await room.ask("long")
    await room.until(lambda: "9 tokens too many" in room.notice)
    assert "Ctrl+R" in room.notice
    assert room.shown == ["long"]
    model.answers("short")
    await room.press("ctrl+r")
    await room.answered("long", "short")
    await room.until(lambda: not room.notice)


async def test_a_server_that_breaks_off_leaves_what_came(room: Room, model: ScriptedModel) -> None:
    model.answers("half of ", "it", breaks_before=1)
    await room.ask("go")
    await room.until(lambda: "broke off" in room.notice and not room.talk.writing)
    await room.answered("go", "half of")
    assert kept()[0][1][1].end == "broken"
    model.answers("all of it")
    await room.press("ctrl+r")
    await room.answered("go", "all of it")
    assert len(kept()[0][1]) == 3


async def test_html_and_control_characters_are_shown_and_do_nothing(
    room: Room, model: ScriptedModel
) -> None:
    model.answers("<div>\x1b[2J</div>")
    await room.ask("[bold]x[/bold]")
    await room.answered("[bold]x[/bold]", "<div>␛[2J</div>")
    (view,) = room.talk.query(TurnView).filter(".assistant")
    assert "<div>" in str(view.query_one(Markdown).children[0].render())


async def test_without_a_server_it_says_so_and_keeps_the_question(folder: Path) -> None:
    settings = Settings(server_url="http://127.0.0.1:9/v1")
    async with chatting(folder, settings) as room:
        await room.ask("anybody?")
        await room.until(lambda: "cannot be reached" in room.notice)
        assert room.shown == ["anybody?"]
    assert [turn.text for turn in kept()[0][1]] == ["anybody?"]


async def test_a_long_conversation_is_laid_out_from_its_end(
    folder: Path, model: ScriptedModel
) -> None:
    from assistant.history import Chat

    chats, chat, parent = Chats(), Chat("long"), None
    for number in range(60):
        turn = Turn("user" if number % 2 == 0 else "assistant", str(number), parent)
        chats.ask(chat, turn)
        parent = turn.id
    chats.close()
    async with chatting(folder, Settings(server_url=model.url)) as room:
        await room.until(lambda: room.shown[-1:] == ["59"])
        assert len(room.shown) < 60
        dialogue = room.talk.query_one(Dialogue)
        end = dialogue.scroll_y
        await room.press("pageup")
        await room.until(lambda: dialogue.scroll_y < end)
        await room.press("pagedown")
        await room.until(lambda: dialogue.scroll_y == end)
        await room.focus(0)
        await room.press("up")
        await room.until(lambda: "20" in room.shown)
        assert room.shown[-1] == "59"


@pytest.mark.parametrize("size", [(1, 1), (10, 3), (250, 80)])
async def test_any_size_of_the_terminal(
    room: Room, model: ScriptedModel, size: tuple[int, int]
) -> None:
    await room.home.pilot.resize_terminal(*size)
    model.answers("```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| 圆 | é |\n")
    await room.ask("go")
    await room.until(lambda: not room.talk.writing and len(room.talk.path) == 2)
    await room.home.pilot.resize_terminal(100, 30)
    await room.until(lambda: len(room.shown) == 2)


async def test_an_answer_comes_while_the_notes_are_open(room: Room, model: ScriptedModel) -> None:
    answer = model.answers("on", "e", stops_before=1)
    await room.ask("go")
    await room.type("next")
    await room.until(lambda: room.shown == ["go", "on"])
    app = room.home.app
    await room.press("f4")
    await room.until(lambda: app.screen is app.notes)
    answer.release()
    await room.until(lambda: not room.talk.writing)
    await room.press("f4")
    await room.until(lambda: app.screen is app.chat)
    await room.answered("go", "one")
    assert room.typed == "next"
