"""The whole way with pytest-lsp's client, which checks what it gets against what it declared.

Its clients are those of real editors, and each agrees on another encoding of positions.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities, make_test_lsp_client

from tests.lsp.scripted_model import PATIENCE, ScriptedModel

URI = "file:///project/example.py"
LINE = "# 名 😀\nx = '名 😀' +("
EDITORS = {
    "neovim": ("utf-8", 17),
    "visual_studio_code": ("utf-16", 13),
    "emacs": ("utf-32", 12),
}


@pytest_asyncio.fixture
async def client(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LanguageClient]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = make_test_lsp_client()

    @client.feature(types.CLIENT_REGISTER_CAPABILITY)  # type: ignore[untyped-decorator]
    def register(params: types.RegistrationParams) -> None:
        """The client has no answer of its own to this."""

    await client.start_io(sys.executable, "-m", "assistant_lsp")
    yield client
    await client.shutdown_session()
    await client.stop()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("name", EDITORS)
async def test_a_session_with_every_editor(
    client: LanguageClient, model: ScriptedModel, name: str
) -> None:
    encoding, column = EDITORS[name]
    capabilities = client_capabilities(name)
    assert capabilities.text_document is not None
    capabilities.text_document.inline_completion = types.InlineCompletionClientCapabilities()
    result = await client.initialize_session(types.InitializeParams(capabilities))
    assert result.capabilities.position_encoding == encoding
    assert result.capabilities.inline_completion_provider is not None
    item = types.TextDocumentItem(URI, types.LanguageKind.Python, 1, LINE)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    await loaded(client)
    answer = model.answers("name")
    (suggestion,) = (await ghost_text(client, column)).items
    assert suggestion.insert_text == "name"
    place = types.Position(1, column)
    assert suggestion.range == types.Range(place, place)
    assert answer.request["prompt"] == LINE

    popup = await client.text_document_completion_async(
        types.CompletionParams(types.TextDocumentIdentifier(URI), place)
    )
    assert isinstance(popup, types.CompletionList)
    assert [entry.label for entry in popup.items] == ["name"]
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(
            types.TextDocumentIdentifier(URI),
            types.Range(types.Position(0, 2), types.Position(0, 2)),
            types.CodeActionContext([]),
        )
    )
    assert [action.title for action in actions or ()] == [
        "Write the code for this comment",
        "Explain this code",
        "Document this definition",
        "Write a test for this",
        "Suggest better names for this",
    ]
    assert client.messages == []


async def ghost_text(client: LanguageClient, column: int) -> types.InlineCompletionList:
    result = await client.text_document_inline_completion_async(
        types.InlineCompletionParams(
            types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
            types.TextDocumentIdentifier(URI),
            types.Position(1, column),
        )
    )
    assert isinstance(result, types.InlineCompletionList)
    return result


async def loaded(client: LanguageClient) -> None:
    """Wait for the end of the first progress, which is that of the loading."""
    async with asyncio.timeout(PATIENCE):
        while not any(
            isinstance(report, types.WorkDoneProgressEnd)
            for reports in client.progress_reports.values()
            for report in reports
        ):
            await asyncio.sleep(0.01)
