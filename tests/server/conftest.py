"""A live server with the scripted engine, one for each module."""

from collections.abc import Iterator

import pytest

from assistant.server.serving import ModelSlot
from tests.server.live import Live, live
from tests.server.scripted_engine import ScriptedEngine, served


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Live, ScriptedEngine]]:
    engine = ScriptedEngine()
    slot = ModelSlot("scripted")
    slot.fill(lambda: served(engine))
    with live(slot) as running:
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
