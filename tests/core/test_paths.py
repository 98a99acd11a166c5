"""Files are written whole or not at all, below the home that the user chose."""

import os
from pathlib import Path

import pytest

from assistant import paths


def test_everything_stands_below_the_chosen_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))
    places = [paths.config_file(), paths.models_dir(), paths.token_file(), paths.log_dir()]
    assert all(place.is_relative_to(tmp_path) for place in places)


def test_a_failed_write_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "note.md"
    file.write_text("old")

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="full"):
        paths.write_atomically(file, "new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "token"
    paths.write_atomically(file, "secret", mode=0o600)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "secret"
