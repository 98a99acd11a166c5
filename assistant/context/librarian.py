"""The process that keeps the index and looks things up in it.

It is one of its own because parsing would hold up the editor's. It reads one JSON object a line and
ends when its input does:

- `{"roots": [...]}`: these folders are open now;
- `{"file": PATH}`: a file was saved; `{"file": PATH, "text": TEXT}`: this stands in the editor and
  not on disk; `{"closed": PATH}`: it stands there no more;
- `{"ask": N, "place": {...}, "open": [...]}`: what may help at a `Place`, with these files open.

It writes `{"answer": N, "pieces": [...]}`, and `{"indexed": ROOT, "files": N}` when all of a folder
was looked at.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from assistant.context.index import LOOSE, SymbolIndex
from assistant.context.indexer import Indexer
from assistant.context.pieces import Piece, outline
from assistant.context.resolve import Place, definitions_for

COMMAND = (sys.executable, "-P", "-m", "assistant.context.librarian")
"""-P: the current folder is the user's project, and no module is to be taken from there."""
_LOOK_SECONDS = 300.0
"""How often to look for what was changed by others than the editor."""
_NICE = 10
_LONGEST_OUTLINE = 800


class Librarian:
    """The index, kept and asked."""

    def __init__(self, index: SymbolIndex, out: TextIO) -> None:
        self._index = index
        self._out = out
        self.indexer = Indexer(index, self._indexed)

    def take(self, message: dict[str, Any]) -> None:
        """Act on one message."""
        if "ask" not in message:
            self.indexer.take(message)
            return
        place = Place(**message["place"])
        # Open files of no project, too: some editors say of none that they belong to one.
        roots = [*map(str, self.indexer.roots), LOOSE]
        pieces = definitions_for(place, self._index, roots)
        pieces += self._outlines(message["open"], place)
        self._say({"answer": message["ask"], "pieces": [asdict(piece) for piece in pieces]})

    def _outlines(self, paths: Sequence[str], place: Place) -> list[Piece]:
        pieces = []
        for path in paths:
            root, inner = self.indexer.inside(Path(path))
            if (root, inner) != (place.root, place.path):
                text = outline(self._index.outline(root, inner), _LONGEST_OUTLINE)
                pieces += [Piece(path, inner, text, "open", inner)] if text else []
        return pieces

    def _indexed(self, root: str, files: int) -> None:
        self._say({"indexed": root, "files": files})

    def _say(self, message: dict[str, Any]) -> None:
        print(json.dumps(message), file=self._out, flush=True)


def serve(lines: TextIO, out: TextIO) -> None:
    """Act on messages until there are no more, and index while there are none."""
    messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def read() -> None:
        for line in lines:
            messages.put(json.loads(line))
        messages.put(None)

    threading.Thread(target=read, daemon=True).start()
    index = SymbolIndex()
    index.forget_roots(lambda root: root == LOOSE)  # what was open in an editor that has ended
    librarian = Librarian(index, out)
    indexer = librarian.indexer
    while True:
        try:
            message = messages.get(block=indexer.idle, timeout=_LOOK_SECONDS)
        except queue.Empty:
            if indexer.idle:
                indexer.look()
            indexer.step()
            continue
        if message is None:
            break
        librarian.take(message)
    index.close()


def main() -> None:
    """Serve whoever started this process, and hold up nobody else on the machine."""
    os.nice(_NICE)
    with suppress(BrokenPipeError, KeyboardInterrupt):
        serve(sys.stdin, sys.stdout)


if __name__ == "__main__":
    main()
