"""Conversations of the chat: kept, found, with files, models and exports of their own."""

import json
from asyncio import to_thread as in_thread
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, TextArea

from assistant.config import Settings
from assistant.history import Attachment, Chats
from assistant_tui.chat.attaching import AttachError, attach
from assistant_tui.dialogs import AskName, Choose
from assistant_tui.notes.finder import Finder
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.room import Room, chatting
from tests.tui.room import room as room


async def test_each_conversation_has_its_draft_and_its_answers(
    room: Room, model: ScriptedModel
) -> None:
    model.answers("1")
    await room.ask("one")
    await room.answered("one", "1")
    await room.type("half a thought")
    room.talk.attach(Attachment("/a.py", "x = 1"))
    await room.press("ctrl+n")
    await room.until(lambda: room.typed == "" and room.talk.composer.attachments == ())
    slow = model.answers("2", held=True)
    await room.ask("two")
    await in_thread(slow.wait_asked)
    await room.until(lambda: room.titles == ["two", "one"])
    rows = room.home.app.chat.query_one("#chats").query_one(OptionList)
    rows.focus()
    await room.press("down", "enter")
    await room.until(lambda: room.typed == "half a thought" and room.shown == ["one", "1"])
    assert [one.name for one in room.talk.composer.attachments] == ["a.py"]
    slow.release()  # it is answered behind the other
    await room.until(lambda: not room.talk.writing)
    rows.focus()
    await room.press("home", "enter")
    await room.answered("two", "2")


async def test_conversations_are_found_renamed_deleted_and_brought_back(
    room: Room, model: ScriptedModel
) -> None:
    for question, said in (("apples", "red"), ("pears", "green")):
        model.answers(said)
        await room.press("ctrl+n")
        await room.ask(question)
        await room.answered(question, said)
    await room.press("ctrl+f")
    await room.type("RED")
    await room.until(lambda: room.titles == ["apples"])
    room.home.app.chat.query_one("#words", Input).value = ""
    await room.until(lambda: room.titles == ["pears", "apples"])
    await room.press("f2")
    await room.until(lambda: isinstance(room.home.app.screen, AskName))
    await room.type("!")
    await room.press("enter")
    await room.until(lambda: room.titles == ["pears!", "apples"])
    rows = room.home.app.chat.query_one("#chats").query_one(OptionList)
    rows.focus()
    await room.press("home", "delete")
    await room.until(lambda: room.titles == ["apples"] and room.shown == [])
    rows.focus()
    await room.press("ctrl+z")
    await room.answered("pears", "green")
    await room.until(lambda: room.titles == ["pears!", "apples"])


async def test_what_is_deleted_is_gone_at_the_end(folder: Path, model: ScriptedModel) -> None:
    async with chatting(folder, Settings(server_url=model.url)) as room:
        model.answers("1")
        await room.ask("sekret")
        await room.answered("sekret", "1")
        room.home.app.chat.query_one("#chats").query_one(OptionList).focus()
        await room.press("delete")
        await room.until(lambda: room.shown == [])
    chats = Chats()
    assert chats.count() == 0
    for file in chats.file.parent.glob("history.sqlite*"):
        assert b"sekret" not in file.read_bytes()


async def test_a_note_and_a_file_go_along(room: Room, model: ScriptedModel, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("x = 1\n")
    await room.press("ctrl+o")
    await room.until(lambda: isinstance(room.home.app.screen, Finder))
    await room.type("read")
    await room.until(lambda: found(room) == ["Reading.md"])
    await room.press("enter")
    await room.until(lambda: len(room.talk.composer.attachments) == 1)
    await room.press("ctrl+o")
    await room.until(lambda: isinstance(room.home.app.screen, Finder))
    room.home.app.screen.query_one(Input).value = str(tmp_path / "co")
    await room.until(lambda: found(room) == [str(tmp_path / "code.py")])
    await room.press("enter")
    await room.until(lambda: len(room.talk.composer.attachments) == 2)
    answer = model.answers("yes")
    await room.ask("ok?")
    await room.answered("ok?", "yes")
    assert answer.request["messages"][0]["content"] == (
        "Reading.md:\n\n```\n# Reading\n\nA book.\n```\n\ncode.py:\n\n```\nx = 1\n```\n\nok?"
    )
    assert room.talk.composer.attachments == ()


def found(room: Room) -> list[str]:
    rows = room.home.app.screen.query_one(OptionList)
    return [str(rows.get_option_at_index(n).prompt) for n in range(rows.option_count)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (".env", b"KEY=1", "secrets"),
        ("id_rsa", b"KEY", "secrets"),
        ("a.bin", b"\0\1", "binary"),
        ("a.txt", b"\xff", "UTF-8"),
        ("big.txt", b"x" * 200_001, "too large"),
        ("empty.txt", b"\n", "empty"),
        ("private/a.py", b"x = 1", "nothing of it recorded"),
    ],
)
def test_what_cannot_go_along_is_refused(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / ".assistant.toml").write_text("record = false\n")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AttachError, match=said):
        attach(tmp_path / name)
    with pytest.raises(AttachError, match="no file"):
        attach(tmp_path / "private")


async def test_a_refusal_is_said_and_nothing_is_attached(room: Room, tmp_path: Path) -> None:
    secret = tmp_path / "secrets.toml"
    secret.write_text("key = 1\n")
    await room.press("ctrl+o")
    await room.until(lambda: isinstance(room.home.app.screen, Finder))
    room.home.app.screen.query_one(Input).value = str(secret)
    await room.until(lambda: found(room) == [str(secret)])
    await room.press("enter")
    await room.until(lambda: any("secrets" in line for line in room.home.said))
    assert room.talk.composer.attachments == ()


async def test_a_model_and_a_system_prompt_are_of_the_conversation(
    room: Room, model: ScriptedModel
) -> None:
    await room.press("f5")
    await room.until(lambda: bool(room.home.app.screen.query(TextArea)))
    await room.type("Be brief.")
    await room.press("escape")
    await room.until(lambda: room.talk.chat.system == "Be brief.")
    await room.press("ctrl+t")
    await room.until(lambda: isinstance(room.home.app.screen, Choose))
    await room.press("down", "enter")
    await room.until(lambda: room.talk.chat.model == "scripted")
    answer = model.answers("ok")
    await room.ask("go")
    await room.answered("go", "ok")
    assert answer.request["model"] == "scripted"
    assert answer.request["messages"][0] == {"role": "system", "content": "Be brief."}
    await room.press("ctrl+n")
    await room.until(lambda: room.shown == [])
    assert room.talk.chat.system == ""


@pytest.mark.parametrize("ending", [".md", ".json", ".txt"])
async def test_what_is_shown_is_exported(
    room: Room, model: ScriptedModel, tmp_path: Path, ending: str
) -> None:
    model.answers("Because.")
    await room.ask("Why?")
    await room.answered("Why?", "Because.")
    file = tmp_path / f"out{ending}"
    await room.press("ctrl+s")
    await room.until(lambda: isinstance(room.home.app.screen, AskName))
    room.home.app.screen.query_one(Input).value = str(file)
    await room.press("enter")
    if ending == ".txt":
        await room.until(lambda: any(".md for Markdown" in line for line in room.home.said))
        return
    await room.until(file.exists)
    if ending == ".md":
        assert "## You\n\nWhy?\n\n## Assistant (scripted)\n\nBecause.\n" in file.read_text()
        return
    from assistant_finetune.data import Journal, Source, read_all
    from assistant_finetune.data.examples import texts

    (example,) = read_all([Source(str(file))], Journal())
    assert texts(example) == ("Why?", "Because.")
    assert json.loads(file.read_text())[0]["conversations"][0]["from"] == "human"


async def test_everything_is_there_at_the_next_start(folder: Path, model: ScriptedModel) -> None:
    async with chatting(folder, Settings(server_url=model.url)) as room:
        model.answers("1")
        await room.ask("one")
        await room.answered("one", "1")
        await room.type("and t")
    async with chatting(folder, Settings(server_url=model.url)) as room:
        await room.answered("one", "1")
        assert room.typed == "and t"
