"""A live server with the scripted engine, one for each module."""

import logging
from collections.abc import Iterator

import pytest

from tests.server.live import TOKEN, Live, live
from tests.server.refused import SECRET
from tests.server.scripted_engine import ScriptedEngine, ScriptedLoader


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Live, ScriptedEngine]]:
    engine = ScriptedEngine()
    with live(ScriptedLoader({"scripted": engine})) as running:
        yield running, engine


@pytest.fixture
def server(shared: tuple[Live, ScriptedEngine]) -> Live:
    return shared[0]


@pytest.fixture
def engine(shared: tuple[Live, ScriptedEngine]) -> ScriptedEngine:
    """The server's engine, which remembers nothing of earlier tests."""
    engine = shared[1]
    engine.forget()
    return engine


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the server logs, which never holds what the user wrote."""
    with caplog.at_level(logging.DEBUG, "assistant"):
        yield caplog
    assert SECRET not in caplog.text
    assert TOKEN not in caplog.text
