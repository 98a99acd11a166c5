"""The compiled library: there where it can be, and no loss where it cannot."""

from pathlib import Path

import pytest

from assistant.engine.native.library import find_library


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path))
    assert find_library.__wrapped__() is None
