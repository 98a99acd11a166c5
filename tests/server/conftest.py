"""A live server with the scripted engine, one for each module."""

from collections.abc import Iterator

import pytest

from tests.server.live import Live, live
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
