"""Conversations keep every turn, whatever is branched, and come back as they were."""

import json
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.errors import PromptError
from assistant.history import (
    Attachment,
    Chat,
    ChatChoice,
    Chats,
    Choice,
    History,
    Suggestion,
    Turn,
    queries,
)
from assistant.history.chat_export import as_markdown, conversation, lines
from assistant.history.chat_rows import title_of
from assistant.history.schema import MIGRATIONS
from assistant.history.turn_tree import TurnTree

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def chats(tmp_path: Path) -> Chats:
    return Chats(tmp_path / "history.sqlite")


@st.composite
def trees(draw: st.DrawFn) -> TurnTree:
    tree = TurnTree()
    for number in range(draw(st.integers(0, 25))):
        parent = draw(st.sampled_from([None, *(turn.id for turn in tree.turns)]))
        tree = tree.added(Turn("user", str(number), parent))
    return tree


@given(trees())
def test_every_turn_is_on_a_branch_that_can_be_shown(tree: TurnTree) -> None:
    shown = {turn.id for leaf in tree.leaves for turn in tree.path(leaf.id)}
    assert shown == {turn.id for turn in tree.turns}


@given(trees(), st.data())
def test_a_branch_goes_from_its_first_turn_to_a_leaf(tree: TurnTree, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from([None, "nobody", *(turn.id for turn in tree.turns)]))
    path = tree.path(key)
    parents = [turn.parent for turn in path]
    assert parents == [None, *(turn.id for turn in path)][: len(path)]
    assert bool(path) == bool(tree.turns)
    if path:
        assert path[-1] in tree.leaves
    if key in tree:
        assert key in {turn.id for turn in path}


@given(trees(), st.data())
def test_branching_loses_no_turn(tree: TurnTree, data: st.DataObject) -> None:
    parent = data.draw(st.sampled_from([None, *(turn.id for turn in tree.turns)]))
    new = Turn("user", "another", parent)
    grown = tree.added(new)
    assert grown.turns == (*tree.turns, new)
    assert grown.path(new.id)[-1] == new
    assert new in grown.siblings(new.id)
    for turn in tree.turns:  # each earlier branch is reached from the turns beside it
        assert turn in grown.siblings(turn.id)
        assert turn in grown.path(turn.id)


def test_a_turn_that_follows_none_that_is_there_is_refused() -> None:
    with pytest.raises(ValueError, match="not there"):
        TurnTree([Turn("user", "x", "nobody")])


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(deadline=None, max_examples=25)  # a disk may be slow
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4), texts)
def test_everything_said_comes_back(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, str]], system: str
) -> None:
    chats = Chats(tmp_path_factory.mktemp("any") / "history.sqlite")
    chat, parent, given_turns = Chat("title", system, "starter:mine"), None, []
    for text, attached in said:
        question = Turn("user", text, parent, (Attachment("/a/b.py", attached),), time=NOON)
        chats.ask(chat, question)
        answer = Turn("assistant", text[::-1], question.id, model="m", end="length", time=NOON)
        chats.answer(chat.id, answer)
        given_turns += [question, answer]
        parent = answer.id
    (found,) = chats.find()
    assert found == replace(chat, leaf=parent)
    assert chats.tree(chat.id).turns == tuple(given_turns)
    chats.close()


def test_an_answer_grows_in_its_place(chats: Chats) -> None:
    chat, question = Chat("t"), Turn("user", "q")
    chats.ask(chat, question)
    answer = Turn("assistant", "on", question.id, end="writing")
    chats.answer(chat.id, answer)
    chats.answer(chat.id, replace(answer, text="one", end="done"))
    chats.rate(replace(answer, text="one", end="done", thumb="up"))
    assert [(t.text, t.end, t.thumb) for t in chats.tree(chat.id).path(None)] == [
        ("q", "done", ""),
        ("one", "done", "up"),
    ]
    chats.delete(ChatChoice())
    chats.answer(chat.id, answer)  # the model goes on, nobody wants it any more
    assert chats.count() == 0


def test_conversations_are_found_by_words_in_any_script(chats: Chats) -> None:
    old = Chat("Über Zahlen", changed=NOON)
    new = Chat("Later", changed=NOON + timedelta(hours=1))
    chats.ask(old, Turn("user", "圆周率 is what?"))
    chats.ask(new, Turn("user", "ÉCLAIR", attachments=(Attachment("/src/secret/a.py", "x"),)))

    def found(choice: ChatChoice) -> list[str]:
        assert chats.count(choice) == len(chats.find(choice))
        return [chat.title for chat in chats.find(choice)]

    assert found(ChatChoice()) == ["Later", "Über Zahlen"]
    assert found(ChatChoice(words=("über", "周率"))) == ["Über Zahlen"]
    assert found(ChatChoice(words=("éclair",))) == ["Later"]
    assert found(ChatChoice(words=("éclair", "über"))) == []
    assert found(ChatChoice(path=Path("/src/secret"))) == ["Later"]
    assert found(ChatChoice(before=NOON + timedelta(minutes=1))) == ["Über Zahlen"]
    assert found(ChatChoice(since=NOON + timedelta(minutes=1))) == ["Later"]
    assert [one.title for one in chats.find(limit=1)] == ["Later"]


def test_what_is_thrown_away_comes_back_until_it_is_deleted(chats: Chats) -> None:
    chat = Chat("gone")
    chats.ask(chat, Turn("user", "q"))
    chats.throw(chat.id, NOON)
    assert chats.find() == []
    chats.throw(chat.id, None)
    assert [one.title for one in chats.find()] == ["gone"]
    chats.throw(chat.id, NOON)
    assert chats.empty_trash(NOON) == 0
    assert chats.empty_trash(NOON + timedelta(seconds=1)) == 1
    assert chats.count() == 0


def test_nothing_of_a_deleted_conversation_stays_in_the_file(chats: Chats) -> None:
    chat = Chat("sekret-title", system="sekret-system")
    chats.ask(chat, Turn("user", "sekret-q", attachments=(Attachment("/a", "sekret-text"),)))
    chats.keep_draft(chat.id, "", "sekret-draft")
    chats.keep_draft("", "", "another draft")
    assert chats.delete(ChatChoice(ids=(chat.id,))) == 1
    for file in chats.file.parent.iterdir():
        assert b"sekret" not in file.read_bytes()
    assert chats.draft("") == "another draft"


def test_deleting_suggestions_leaves_what_is_attached(chats: Chats) -> None:
    history = History(chats.file)
    shared = "shared text\n" * 64
    history.add(Suggestion("text", shared))
    chats.ask(Chat("t"), Turn("user", "q", attachments=(Attachment("/a", shared),)))
    assert history.delete(Choice()) == 1
    (chat,) = chats.find()
    assert chats.tree(chat.id).turns[0].attachments[0].text == shared


def test_a_draft_is_kept_until_it_is_sent(chats: Chats) -> None:
    chat = Chat("t")
    chats.keep_draft(chat.id, "", "half a th")
    chats.keep_draft(chat.id, "", "half a thought")
    assert chats.draft(chat.id) == "half a thought"
    chats.ask(chat, Turn("user", "half a thought"), draft=(chat.id, ""))
    assert chats.draft(chat.id) == ""


def test_what_is_attached_stands_in_a_fence_that_it_cannot_end() -> None:
    turn = Turn("user", "why?", attachments=(Attachment("/home/me/a.md", "```\ncode\n```"),))
    (message,) = conversation([turn]).messages
    assert message.content == "a.md:\n\n````\n```\ncode\n```\n````\n\nwhy?"
    assert "````" in as_markdown(Chat("t"), [turn])


def test_questions_without_an_answer_go_together() -> None:
    one, two = Turn("user", "one"), Turn("user", "two")
    broken = Turn("assistant", " ", end="broken")
    assert [m.content for m in conversation([one, broken, two], "be kind").messages] == [
        "be kind",
        "one\n\ntwo",
    ]
    with pytest.raises(PromptError):
        conversation([broken])


def test_exports_hold_the_branch_that_was_shown(chats: Chats) -> None:
    chat, question = Chat("Title", "Be brief."), Turn("user", "q")
    chats.ask(chat, question)
    first = Turn("assistant", "one", question.id, model="starter", thumb="down")
    second = Turn("assistant", "two", question.id, model="starter")
    chats.answer(chat.id, first)
    chats.answer(chat.id, second)
    (found,) = chats.find()
    chats.save(replace(found, leaf=first.id))
    (line,) = lines(chats.export())
    assert json.loads(line)["conversations"] == [
        {"from": "system", "value": "Be brief."},
        {"from": "human", "value": "q"},
        {"from": "gpt", "value": "one", "weight": 0},
    ]
    (found,) = chats.find()
    shown = as_markdown(found, chats.tree(chat.id).path(found.leaf))
    assert shown == "# Title\n\n> Be brief.\n\n## You\n\nq\n\n## Assistant (starter)\n\none\n"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("\n\n ## Hello *you*\nmore", "Hello *you*"),
        ("", "Conversation"),
        ("x" * 99, "x" * 59 + "…"),
    ],
)
def test_a_title_is_the_first_line_with_words(text: str, title: str) -> None:
    assert title_of(text) == title


def test_a_record_of_suggestions_alone_is_brought_up_to_date(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
        queries.add(connection, Suggestion("old", "before"))
    connection.close()
    chats = Chats(file)
    chats.ask(Chat("t"), Turn("user", "q"))
    assert [one.text for one in History(file).find()] == ["old"]
    assert [chat.title for chat in chats.find()] == ["t"]
