"""A small editor without a screen: it opens files, types, and asks the language server."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from lsprotocol import converters, types
from pygls.lsp.client import LanguageClient

Result = TypeVar("Result")

CONVERTER = converters.get_converter()
CAPABILITIES = types.ClientCapabilities(
    general=types.GeneralClientCapabilities(position_encodings=["utf-32"]),
    text_document=types.TextDocumentClientCapabilities(
        inline_completion=types.InlineCompletionClientCapabilities(),
    ),
    window=types.WindowClientCapabilities(
        work_done_progress=True,
        show_document=types.ShowDocumentClientCapabilities(support=True),
    ),
    workspace=types.WorkspaceClientCapabilities(
        apply_edit=True,
        workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
    ),
)


class Document:
    """An open file, with lines that end in `\\n`. Positions count characters (utf-32)."""

    def __init__(self, path: Path) -> None:
        self.uri = path.as_uri()
        self.name = path.name
        self.text = path.read_text(encoding="utf-8")
        self.version = 0

    def position(self, offset: int) -> types.Position:
        """The line and column of an offset into the text."""
        line = self.text.count("\n", 0, offset)
        return types.Position(line, offset - (self.text.rfind("\n", 0, offset) + 1))

    def offset(self, position: types.Position) -> int:
        """The offset of a line and column."""
        lines = self.text.split("\n")[: position.line]
        return sum(len(line) + 1 for line in lines) + position.character

    def replace(self, start: int, end: int, text: str) -> None:
        """Change the text, as the next version."""
        self.text = self.text[:start] + text + self.text[end:]
        self.version += 1


class Editor:
    """A session with the language server."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self._client: Any = LanguageClient("demo", "1")
        self._shown: asyncio.Queue[str] = asyncio.Queue()
        self._edits: asyncio.Queue[types.WorkspaceEdit] = asyncio.Queue()
        self._loaded = asyncio.Event()
        self._listen()

    async def start(self) -> str:
        """Start the server; what it calls itself."""
        await self._client.start_io(sys.executable, "-P", "-m", "assistant", "lsp")
        begun = await self._client.initialize_async(types.InitializeParams(CAPABILITIES))
        self._client.initialized(types.InitializedParams())
        info = begun.server_info
        return f"{info.name} {info.version}" if info else "the language server"

    async def stop(self) -> None:
        """End the server."""
        await self._client.shutdown_async(None)
        self._client.exit(None)
        await self._client.stop()

    def open(self, path: Path, language: str) -> Document:
        """Open a file."""
        document = Document(path)
        item = types.TextDocumentItem(document.uri, language, document.version, document.text)
        self._client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return document

    def type(self, document: Document, offset: int, text: str) -> int:
        """Type into a file; the cursor's offset behind it."""
        place = document.position(offset)
        document.replace(offset, offset, text)
        change = types.TextDocumentContentChangePartial(types.Range(place, place), text)
        identifier = types.VersionedTextDocumentIdentifier(document.version, document.uri)
        self._client.text_document_did_change(
            types.DidChangeTextDocumentParams(identifier, [change])
        )
        return offset + len(text)

    async def load_model(self, document: Document) -> float:
        """Ask for a completion once, which loads the model; the seconds until it is there."""
        begin = time.perf_counter()
        await self.complete(document, len(document.text))
        await asyncio.wait_for(self._loaded.wait(), 120)
        return time.perf_counter() - begin

    async def complete(self, document: Document, offset: int) -> tuple[str, float]:
        """The ghost text at a cursor, and the seconds it took."""
        params = types.InlineCompletionParams(
            types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked),
            types.TextDocumentIdentifier(document.uri),
            document.position(offset),
        )
        found, seconds = await _timed(self._client.text_document_inline_completion_async(params))
        items = found.items if isinstance(found, types.InlineCompletionList) else found or []
        return (str(items[0].insert_text) if items else ""), seconds

    async def explain(self, document: Document, offset: int) -> tuple[str, float]:
        """The explanation of the function around an offset, and the seconds it took."""
        _, seconds = await _timed(self._act(document, offset, "assistant.explain"))
        return await asyncio.wait_for(self._shown.get(), 10), seconds

    async def polish(self, document: Document, offset: int) -> tuple[str, float]:
        """Polish the paragraph around an offset: the new text, and the seconds it took."""
        work = self._act(document, offset, "assistant.polish")
        _, seconds = await _timed(work)
        if self._edits.empty():
            return document.text, seconds
        edit = self._edits.get_nowait()
        return _applied(document, edit), seconds

    async def _act(self, document: Document, offset: int, command: str) -> None:
        """Run the command behind a code action at a place.

        Without asking for the list of actions first: lsprotocol's client takes each of them for a
        bare command.
        """
        place = CONVERTER.unstructure(document.position(offset))
        target = {"uri": document.uri, "range": {"start": place, "end": place}}
        await self._client.workspace_execute_command_async(
            types.ExecuteCommandParams(command, [target])
        )

    def _listen(self) -> None:
        # Registered by calls, because pygls leaves its decorators untyped; in `partial`, because it
        # marks what it registers, and a method cannot be marked.
        handlers: tuple[tuple[str, Callable[[Any], object]], ...] = (
            (types.WINDOW_WORK_DONE_PROGRESS_CREATE, _agree),
            (types.PROGRESS, self._progressed),
            (types.WINDOW_SHOW_DOCUMENT, self._show),
            (types.WORKSPACE_APPLY_EDIT, self._edit),
            (types.WINDOW_SHOW_MESSAGE, self._told),
            (types.WINDOW_LOG_MESSAGE, _agree),
        )
        for method, handler in handlers:
            self._client.feature(method)(partial(handler))

    def _progressed(self, params: types.ProgressParams) -> None:
        value = params.value
        kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
        if kind == "end":
            self._loaded.set()

    def _show(self, params: types.ShowDocumentParams) -> types.ShowDocumentResult:
        path = Path(unquote(urlsplit(params.uri).path))
        self._shown.put_nowait(path.read_text(encoding="utf-8"))
        return types.ShowDocumentResult(True)

    def _edit(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        self._edits.put_nowait(params.edit)
        return types.ApplyWorkspaceEditResult(True)

    def _told(self, params: types.ShowMessageParams) -> None:
        self.messages.append(params.message)


def _agree(_: object) -> None:
    """Take note of what the demo does not show."""


def _applied(document: Document, edit: types.WorkspaceEdit) -> str:
    """The document's text with the edit made, in the editor's copy too."""
    for change in edit.document_changes or []:
        if isinstance(change, types.TextDocumentEdit):
            for one in reversed(change.edits):
                if isinstance(one, types.TextEdit):
                    start, end = one.range.start, one.range.end
                    document.replace(document.offset(start), document.offset(end), one.new_text)
    return document.text


async def _timed(work: Awaitable[Result]) -> tuple[Result, float]:
    begin = time.perf_counter()
    return await work, time.perf_counter() - begin
