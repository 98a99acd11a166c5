"""Answers to read, shown beside the user's text as Markdown documents of their own."""

import tempfile
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from assistant_lsp.messages import Messages
from assistant_lsp.protocol import AssistantLanguageServer


class Answers:
    """Markdown files in a folder that only the user can read, gone when the server ends."""

    def __init__(self, server: AssistantLanguageServer, messages: Messages) -> None:
        self._server = server
        self._messages = messages
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    async def show(self, name: str, text: str) -> None:
        """Open a document with `text`, or show a message where the editor opens none."""
        if not (self._opens and await self.open(self._write(name, text).as_uri())):
            self._messages.info(text)

    async def open(self, uri: str) -> bool:
        """Show a document beside the user's text; returns whether the editor did."""
        if not self._opens:
            return False
        # The focus stays where the user types.
        params = types.ShowDocumentParams(uri, take_focus=False)
        try:
            return (await self._server.window_show_document_async(params)).success
        except JsonRpcException:
            return False

    def close(self) -> None:
        """Delete what was shown."""
        if self._folder is not None:
            self._folder.cleanup()

    @property
    def _opens(self) -> bool:
        window = self._server.client_capabilities.window
        return bool(window and window.show_document and window.show_document.support)

    def _write(self, name: str, text: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="assistant-")
        self._count += 1
        path = Path(self._folder.name) / f"{name}-{self._count}.md"
        path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        return path
