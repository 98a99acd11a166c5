"""The record of use becomes examples of what the user kept."""

from datetime import UTC, datetime, timedelta

from assistant.history import Fate, History, Suggestion
from assistant.prompts import Task
from assistant_finetune.data import Asked, Example, Hole, Journal, Source, read_all

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
