"""Whatever server a test leaves behind ends with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.processes import ROOT, end_recorded_server


@pytest.fixture(autouse=True)
def no_server_stays(sealed_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield
    end_recorded_server()
