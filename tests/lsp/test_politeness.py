"""Suggestions that the user turned off, for a while or in some folders."""

import pytest
from pygls.exceptions import JsonRpcInvalidParams

from assistant_lsp.settings import read_settings
from assistant_lsp.switch import Switch, snooze_minutes


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
