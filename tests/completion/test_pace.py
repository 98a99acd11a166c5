"""When nobody wants a suggestion, and how long to wait for the next key."""

import pytest

from assistant.completion.keystrokes import is_quiet
from assistant.completion.pace import Pace
from assistant.edit import Edit


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
