"""Every test has a home of its own: no test sees or touches what is the user's."""

import os
from pathlib import Path

import pytest

from assistant.paths import HOME_VARIABLE


@pytest.fixture(autouse=True)
def sealed_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home for settings, models and servers."""
    for name in [name for name in os.environ if name.startswith("ASSISTANT_")]:
        if not name.startswith("ASSISTANT_TEST_"):
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    return home
