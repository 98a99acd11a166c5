"""A scripted model, and an editor whose language server is to use it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.lsp.editor import Editor
from tests.lsp.scripted_model import ScriptedModel


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def environment(model: ScriptedModel) -> dict[str, str]:
    return {"ASSISTANT_SERVER_URL": model.url}


@pytest_asyncio.fixture
async def editor(environment: dict[str, str]) -> AsyncIterator[Editor]:
    async with Editor(environment) as editor:
        yield editor
