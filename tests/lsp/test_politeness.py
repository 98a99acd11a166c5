"""When nobody wants a suggestion, and how long to wait for the next key."""

import pytest
from pygls.exceptions import JsonRpcInvalidParams

from assistant_lsp.buffer import Edit
from assistant_lsp.keystrokes import is_quiet
from assistant_lsp.pace import Pace
from assistant_lsp.settings import read_settings
from assistant_lsp.switch import Switch, snooze_minutes


@pytest.mark.parametrize(
    ("edit", "quiet"),
    [
        (Edit(5, 5, "a"), False),
        (Edit(5, 5, "漢"), False),
        (Edit(5, 5, "\n        "), False),
        (Edit(3, 5, "completed_name"), False),
        (Edit(4, 5, ""), True),
        (Edit(5, 5, "one\ntwo\n"), True),
        (Edit(5, 5, "x" * 40), True),
        (Edit(5, 5, "suggested\ntext"), False),
        (Edit(5, 5, ""), False),
    ],
    ids=["key", "character", "line", "name", "backspace", "lines", "long", "accepted", "nothing"],
)
def test_taking_back_and_pasting_ask_for_nothing(edit: Edit, quiet: bool) -> None:
    assert is_quiet([edit], lambda text: text == "suggested\ntext") is quiet


def paced(gap: float, answer: float, accepted: list[bool]) -> float:
    pace = Pace()
    for key in range(20):
        pace.key(key * gap)
    pace.answered(answer)
    for number, taken in enumerate(accepted):
        pace.settled(str(number), accepted=taken)
    return pace.delay


def test_a_model_that_is_faster_than_the_keys_is_asked_at_once() -> None:
    assert Pace().delay == 0
    assert paced(0.2, 0.1, []) == 0


def test_a_slower_one_waits_for_a_pause_and_longer_where_it_is_not_welcome() -> None:
    neutral = paced(0.15, 0.5, [])
    assert 0.15 < neutral <= 0.3
    assert paced(0.15, 0.5, [True] * 9) < neutral < paced(0.15, 0.5, [False] * 9)


def test_what_was_accepted_and_then_undone_counts_once_and_as_not_welcome() -> None:
    undone, refused = Pace(), Pace()
    for pace in (undone, refused):
        for key in range(20):
            pace.key(key * 0.15)
        pace.answered(0.5)
    for number in range(5):
        undone.settled(str(number), accepted=True)
        undone.settled(str(number), accepted=False)
        refused.settled(str(number), accepted=False)
    assert undone.delay == refused.delay == paced(0.15, 0.5, [False] * 5)


def test_for_somebody_who_takes_nothing_nothing_is_made_ahead_until_something_is_taken() -> None:
    pace = Pace()
    for number in range(9):
        pace.settled(str(number), accepted=False)
    assert pace.looks_ahead, "of so few one cannot say"
    pace.settled("9", accepted=False)
    assert not pace.looks_ahead
    pace.settled("10", accepted=True)
    assert pace.looks_ahead


def test_a_pause_is_no_typing() -> None:
    pace = Pace()
    for time in (0.0, 100.0, 200.0):
        pace.key(time)
    pace.answered(1.0)
    assert pace.delay == 0


def test_somebody_has_stopped_typing_when_the_next_key_is_late() -> None:
    assert Pace().pause == 0
    quick, slow = Pace(), Pace()
    for key in range(20):
        quick.key(key * 0.1)
        slow.key(key * 0.8)
    assert 0.1 < quick.pause < slow.pause <= 0.3


def test_suggestions_are_turned_off_and_on_and_come_back_by_themselves() -> None:
    now = 0.0
    switch = Switch(lambda: now)
    assert switch.on
    assert switch.toggle() is False and not switch.on
    assert switch.toggle() is True and switch.on
    switch.snooze(60)
    assert not switch.on
    now = 3599
    assert not switch.on
    now = 3600
    assert switch.on
    switch.snooze(1)
    assert switch.toggle() is True, "who turns them on does not want to wait"


def test_how_long_to_be_off() -> None:
    assert snooze_minutes(None) == snooze_minutes([]) == 60
    assert snooze_minutes([5]) == 5
    mistakes: list[object] = [[0], [-1], ["5"], [True], [float("nan")], [1, 2], {}]
    for wrong in mistakes:
        with pytest.raises(JsonRpcInvalidParams):
            snooze_minutes(wrong)


def test_folders_without_suggestions() -> None:
    settings, _ = read_settings({"completion": {"disabledFolders": ["/home/*/diary", "/tmp/x/"]}})
    assert settings.suggests_in("python", "/home/me/code/a.py")
    assert settings.suggests_in("python", "")
    assert not settings.suggests_in("markdown", "/home/me/diary/2026/a.md")
    assert not settings.suggests_in("python", "/tmp/x/a.py")
    assert settings.suggests_in("python", "/tmp/xy/a.py")
