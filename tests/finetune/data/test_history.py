"""The record of use becomes examples of what the user kept."""

from datetime import UTC, datetime, timedelta

from assistant.history import Chat as KeptChat
from assistant.history import Chats, Fate, History, Suggestion, Turn
from assistant.prompts import Task
from assistant_finetune.data import Asked, Example, Hole, Journal, Source, read_all
from assistant_finetune.data.examples import Chat, texts

FATES: dict[str, tuple[Fate, str | None]] = {
    "accepted": (Fate("accepted", 5, similarity=1.0), "a + b"),
    "accepted and not looked at": (Fate("accepted", 5), "a + b"),
    "accepted, then edited": (Fate("accepted", 5, similarity=0.6), None),
    "accepted, then edited, and known": (Fate("accepted", 5, "a - b", 0.6), "a - b"),
    "a part": (Fate("accepted_part", 1, similarity=1.0), "a"),
    "typed": (Fate("typed", similarity=1.0), "a + b"),
    "written instead": (Fate("rejected", replaced_by="a * b"), "a * b"),
    "rejected": (Fate("rejected"), None),
    "undone": (Fate("undone"), None),
    "shown": (Fate("shown"), None),
}


def recorded(*suggestions: Suggestion) -> tuple[list[Example], Journal]:
    history = History()
    for suggestion in suggestions:
        history.add(suggestion)
    history.close()
    journal = Journal()
    return list(read_all([Source("history")], journal)), journal


def test_completions_that_were_kept() -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    suggestions = [
        Suggestion(
            "a + b",
            "return ",
            "\n",
            path="/home/ann/src/x.py",
            workspace="/home/ann",
            language="python",
            fate=fate,
            time=begin + timedelta(minutes=number),
        )
        for number, (fate, _) in enumerate(FATES.values())
    ]
    found, journal = recorded(*suggestions)
    wanted = [kept for _, kept in FATES.values() if kept is not None]
    assert [one.middle for one in found if isinstance(one, Hole)] == wanted
    assert journal.changed.total() == len(FATES) - len(wanted)
    first = found[0]
    assert isinstance(first, Hole)
    assert (first.request.prefix, first.request.suffix) == ("return ", "\n")
    assert first.request.path == "src/x.py"
    assert first.origin.part == suggestions[0].id


def test_actions_that_were_kept() -> None:
    kept = Fate("accepted", 3, similarity=1.0)
    found, journal = recorded(
        Suggestion("the", "teh", kind="polish", language="markdown", fate=kept),
        Suggestion("the", "teh", kind="polish", fate=Fate("rejected", replaced_by="teh")),
        Suggestion("x", "y", kind="fix", fate=kept),
    )
    (example,) = found
    assert isinstance(example, Asked)
    assert (example.task, example.text, example.answer) == (Task.POLISH, "teh", "the")
    assert journal.changed.total() == 2


def test_no_record_at_all() -> None:
    assert recorded()[0] == []


def test_good_answers_of_conversations_are_learned_once_each() -> None:
    chats, kept = Chats(), KeptChat("t", "Be brief.")
    first = Turn("user", "one")
    good = Turn("assistant", "yes", first.id, thumb="up")
    second = Turn("user", "two", good.id)
    bad = Turn("assistant", "no", second.id, thumb="down")
    better = Turn("assistant", "better", second.id, thumb="up")
    chats.ask(kept, first)
    chats.answer(kept.id, good)
    chats.ask(kept, second)
    chats.answer(kept.id, bad)
    chats.answer(kept.id, better)
    chats.ask(KeptChat("unrated"), Turn("user", "three"))
    chats.close()
    journal = Journal()
    found = list(read_all([Source("history")], journal))
    learned = [
        message.content
        for example in found
        if isinstance(example, Chat)
        for message, weight in zip(
            example.conversation.messages, example.message_weights, strict=True
        )
        if weight
    ]
    assert sorted(learned) == ["better", "yes"]
    assert all("no" not in texts(example) for example in found)
    assert journal.changed == {"left out: no answer in it is rated good": 1}
