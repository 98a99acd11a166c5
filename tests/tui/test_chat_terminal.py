"""The chat in a real terminal, killed in the middle of an answer and in the middle of typing."""

import time
from pathlib import Path

import pytest

from assistant.history import Chats
from tests.lsp.scripted_model import ScriptedModel
from tests.tui.terminal import needs_tmux, terminal, until

pytestmark = [pytest.mark.e2e, needs_tmux]


@pytest.fixture
def environment(model: ScriptedModel) -> dict[str, str]:
    return {"ASSISTANT_SERVER_URL": model.url, "TERM": "screen-256color"}


def texts() -> list[str]:
    """What is on the disk of the newest conversation."""
    chats = Chats()
    try:
        found = chats.find()
        return [turn.text for turn in chats.tree(found[0].id).turns] if found else []
    finally:
        chats.close()


def test_kill_9_in_an_answer_and_in_a_draft_loses_at_most_a_second(
    folder: Path, tmp_path: Path, environment: dict[str, str], model: ScriptedModel
) -> None:
    model.answers("All that ", "came so far", " and never more", stops_before=2)
    with terminal(folder, tmp_path / "one", environment=environment) as seen:
        seen.until_seen("Reading")
        seen.press("F4")
        seen.until_seen("Ask something")
        seen.type("What is 圆?")
        seen.press("Enter")
        seen.until_seen("came so far")
        seen.type("the next thou")
        seen.until_seen("the next thou")
        shown = time.monotonic()
        while time.monotonic() < shown + 1:  # the second that may be lost
            seen.until_seen("the next thou")
        seen.kill()
    assert texts() == ["What is 圆?", "All that came so far"]
    with terminal(folder, tmp_path / "two", environment=environment) as seen:
        seen.until_seen("Reading")
        seen.press("F4")
        screen = seen.until_seen("came so far")
        assert "What is 圆?" in screen
        seen.until_seen("the next thou")
        seen.until_seen("This answer broke off")
        model.answers("A number.")
        seen.press("C-r")
        seen.until_seen("A number.")
        seen.until_seen("2/2")
        seen.press("C-q")
    assert until(texts, lambda kept: kept[-1] == "A number.", "to the answer")[0] == "What is 圆?"


def test_a_fast_typist_sends_every_letter_to_where_it_was_meant(
    folder: Path, tmp_path: Path, environment: dict[str, str], model: ScriptedModel
) -> None:
    first, second = "every letter is typed before Enter", "and these are of another one"
    model.answers("Yes.")
    model.answers("No.")
    told = {**environment, "TERM": "xterm"}
    with terminal(folder, tmp_path / "tmux", environment=told, size=(80, 24)) as seen:
        seen.until_seen("Reading")
        seen.press("F4")
        seen.until_seen("Ask something")
        seen.run("send-keys", first, "Enter", "C-n", second, "Enter", "not sent yet")
        seen.until_seen("not sent yet")
        seen.resize(10, 3)
        seen.resize(80, 24)
        seen.until_seen("not sent yet")
        seen.until_seen(second)
        answered = until(questions, lambda found: len(found) == 2, "to two answers")
        assert sorted(answered) == sorted([first, second])


def questions() -> list[str]:
    """The first question of each conversation that has an answer."""
    chats = Chats()
    try:
        trees = [chats.tree(chat.id).turns for chat in chats.find()]
        return [turns[0].text for turns in trees if len(turns) == 2]
    finally:
        chats.close()
