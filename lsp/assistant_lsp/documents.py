"""The documents that are open in the editor."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from lsprotocol import types

from assistant.edit import Edit
from assistant_lsp.buffer import TextBuffer, changed


@dataclass(frozen=True, slots=True)
class Document:
    """One version of an open document; what was read from it stays true while it is edited."""

    uri: str
    language: str
    version: int
    buffer: TextBuffer

    @property
    def path(self) -> str:
        """The path as the user knows it, or empty for what is no file."""
        return path_of(self.uri)

    @property
    def text(self) -> str:
        """The whole of it, with the line ends that it has."""
        return self.buffer.text


def path_of(uri: str) -> str:
    """The path that a URI means, or empty for what is no file."""
    try:
        parts = urlsplit(uri)
    except ValueError:  # no URI at all
        return ""
    return unquote(parts.path) if parts.scheme == "file" else ""


class Documents:
    """All open documents, each in its newest version."""

    def __init__(self) -> None:
        self.encoding = "utf-16"
        self._open: dict[str, Document] = {}

    def open(self, item: types.TextDocumentItem) -> None:
        """Take in a document that the editor opened."""
        buffer = TextBuffer.of(item.text, self.encoding)
        self._open[item.uri] = Document(item.uri, item.language_id, item.version, buffer)

    def change(self, params: types.DidChangeTextDocumentParams) -> list[Edit]:
        """Take in edits, and give them; one of a document that is not open is the editor's
        mistake."""
        uri = params.text_document.uri
        if (document := self._open.get(uri)) is None:
            return []
        buffer, edits = changed(document.buffer, params.content_changes)
        self._open[uri] = replace(document, version=params.text_document.version, buffer=buffer)
        return edits

    def close(self, uri: str) -> None:
        """Forget a document."""
        self._open.pop(uri, None)

    def __iter__(self) -> Iterator[Document]:
        return iter(self._open.values())

    def get(self, uri: str) -> Document | None:
        """The newest version of a document, or None where it is not open."""
        return self._open.get(uri)

    def at(self, path: str) -> Document | None:
        """The open document of a file, however the editor writes its URI."""
        return next((one for one in self._open.values() if one.path == path), None)
