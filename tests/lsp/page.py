"""A document as an editor of one encoding has it: what it sends, and what edits make of it."""

from typing import Any

from tests.lsp.editor import URI, Editor

_CODECS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


class Page:
    """Text with `\\n` as line end, and places in it said in one encoding."""

    def __init__(
        self, editor: Editor, text: str, encoding: str, uri: str = URI, language: str = "python"
    ) -> None:
        self.text, self.uri = text, uri
        self._editor = editor
        self._codec, self._size = _CODECS[encoding]
        editor.open(text, uri=uri, language=language)

    def behind(self, text: str) -> int:
        """The place behind the first such text."""
        return self.text.index(text) + len(text)

    def position(self, place: int) -> dict[str, int]:
        before = self.text[:place]
        line = before.rpartition("\n")[2]
        character = len(line.encode(self._codec)) // self._size
        return {"line": before.count("\n"), "character": character}

    def range(self, start: int, end: int) -> dict[str, Any]:
        return {"start": self.position(start), "end": self.position(end)}

    def place(self, position: dict[str, int]) -> int:
        lines = self.text.split("\n")
        begin = sum(len(line) + 1 for line in lines[: position["line"]])
        units = lines[position["line"]].encode(self._codec)[: position["character"] * self._size]
        # Strict: inside a character there is no place.
        return begin + len(units.decode(self._codec))

    def edit(self, start: int, end: int, text: str) -> None:
        """Change something, and tell the server."""
        span = self.range(start, end)
        self.text = self.text[:start] + text + self.text[end:]
        self._editor.change(text, span, uri=self.uri)

    def type(self, place: int, text: str) -> int:
        """Type, key by key; returns the place behind."""
        for key in text:
            self.edit(place, place, key)
            place += 1
        return place

    def make(self, edits: list[dict[str, Any]]) -> None:
        """Make edits that all are of the text as it is, the last one first, as editors do."""
        places = [
            (self.place(e["range"]["start"]), self.place(e["range"]["end"]), e["newText"])
            for e in edits
        ]
        for start, end, text in sorted(places, reverse=True):
            self.edit(start, end, text)

    async def ghost(self, place: int) -> tuple[str, int, int]:
        """The ghost text at a place, and what it is to stand for."""
        params = {
            "textDocument": {"uri": self.uri},
            "position": self.position(place),
            "context": {"triggerKind": 1},
        }
        result = await self._editor.request("textDocument/inlineCompletion", params)
        if not result["items"]:
            return "", place, place
        (item,) = result["items"]
        span = item["range"]
        return item["insertText"], self.place(span["start"]), self.place(span["end"])
