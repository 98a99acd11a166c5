"""What a completion is given to read beside the file: gathered while nobody types.

A request takes what is there and waits for nothing. What is there changes when another document is
taken up, and otherwise only in pauses, so that from key to key the prompt begins with the same text
and the model's cache of it serves.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from assistant.completion.window import request_at
from assistant.context.budget import budget_for, reason_against
from assistant.context.files import LARGEST
from assistant.context.kept import Kept, renewed
from assistant.context.pieces import Piece
from assistant.context.resolve import NEAR_AFTER, NEAR_BEFORE, Place
from assistant.context.ring import Ring
from assistant.context.sent import Sent
from assistant.edit import Edit
from assistant.history.consent import CONTEXT, Consent
from assistant.messages import CompletionRequest
from assistant.prompts.tasks import is_prose
from assistant.secrets import is_secret
from assistant_lsp.documents import Document, Documents
from assistant_lsp.librarian import Librarian
from assistant_lsp.settings import EditorSettings
from assistant_lsp.window import around

if TYPE_CHECKING:
    from assistant.client import ModelCard

_PAUSE_SECONDS = 1.0
"""After so long without a key it may change."""
_FAR_CHARACTERS = 1_200
"""What is further away than this, some thirty lines, is another place."""
_TOP_LINES = 300
"""Imports stand at the top; a whole long file would take too long to parse."""
_FIRST = {"definition": 8, "place": 4, "open": 3}
"""So many of each kind come before all others."""


@dataclass(slots=True)
class _Known:
    """What is known of an open document."""

    kept: Kept = field(default_factory=Kept)
    offset: int | None = None
    """Where the cursor was last."""
    tokens: int | None = None
    """How many the model reads, as far as that is known."""
    sent: Sent | None = None
    asked: bool = False
    """Whether its context was ever gathered."""


class ProjectContext:
    """The pieces for each document. All but `aclose` returns at once; for the loop's thread."""

    def __init__(
        self,
        documents: Documents,
        settings: Callable[[], EditorSettings],
        on_trouble: Callable[[str], None],
    ) -> None:
        self._documents = documents
        self._settings = settings
        self._consent = Consent(on_trouble, CONTEXT)
        self._librarian = Librarian(self._look_again)
        self._ring = Ring()
        self._known: dict[str, _Known] = {}
        self._told: dict[str, int] = {}
        """The versions of documents that the librarian knows."""
        self._starts = 0
        self._roots: list[Path] = []
        self._current = ""
        self._timer: asyncio.TimerHandle | None = None
        self._renewing: asyncio.Task[None] | None = None

    # What is asked of it ---------------------------------------------------------------------

    def request(
        self, document: Document, before: str, after: str, card: "ModelCard", *, ahead: bool
    ) -> CompletionRequest:
        """What is sent for a cursor between two texts, with what there is to read beside the file.

        It is remembered for who wants to see it.
        """
        request = request_at(before, after, document.language, document.path, card.context)
        reason = self._reason_against(document, card)
        known = self._known.setdefault(document.uri, _Known())
        kept = Kept() if reason else known.kept
        snippets = tuple(piece.snippet for piece in kept.pieces)
        root, _ = self._inside(document.path)
        request = replace(request, context=snippets, project=root)
        known.sent = Sent(request, card.name, card.reads, kept, reason, datetime.now(), ahead)
        known.tokens = card.context
        if not reason and not known.asked:
            self._soon(0.0)
        return request

    def sent(self, uri: str) -> Sent | None:
        """What the last completion of a document was sent, if there was one."""
        known = self._known.get(uri)
        return known.sent if known else None

    # What happens in the editor --------------------------------------------------------------

    def open_roots(self, roots: Sequence[Path]) -> None:
        """These folders are open from now on."""
        self._roots = list(roots)
        self._librarian.open_roots(roots)

    def at(self, document: Document, offset: int) -> None:
        """The cursor is there, or was lately."""
        if document.uri != self._current:
            self._leave(self._current)
            self._current = document.uri
            self._soon(0.0)
        known = self._known.setdefault(document.uri, _Known())
        if known.offset is not None and abs(offset - known.offset) > _FAR_CHARACTERS:
            self._leave(document.uri)
        known.offset = offset

    def visited(self, document: Document, position: types.Position) -> None:
        """The user looks at this place."""
        self.at(document, document.buffer.offset(position))

    def changed(self, uri: str, edits: Sequence[Edit]) -> None:
        """The document was edited."""
        document = self._documents.get(uri)
        if document is not None and edits:
            self.at(document, edits[-1].start + len(edits[-1].text))
            if self._known[uri].asked:
                self._soon(_PAUSE_SECONDS)

    def saved(self, uri: str) -> None:
        """The document was saved."""
        document = self._documents.get(uri)
        if document is not None and document.path:
            self._leave(uri)
            self._told[uri] = document.version
            self._librarian.tell({"file": document.path})
            self._soon(_PAUSE_SECONDS)

    def closed(self, document: Document) -> None:
        """The document is not open any more; this is how it stood."""
        self._leave(document.uri, document)
        self._known.pop(document.uri, None)
        if self._told.pop(document.uri, None) is not None:
            self._librarian.tell({"closed": document.path})

    async def aclose(self) -> None:
        """End the process that indexes."""
        if self._timer is not None:
            self._timer.cancel()
        if self._renewing is not None:
            self._renewing.cancel()
        await self._librarian.aclose()

    # Gathering -------------------------------------------------------------------------------

    def _reason_against(self, document: Document, card: "ModelCard") -> str:
        """Why nothing is sent beside the file, or empty."""
        if not self._settings().context.enabled:
            return "the setting context.enabled is off"
        if reason := reason_against(document.path, document.language, card.name, card.reads):
            return reason
        if not self._settings().reads_in(document.path):
            return "the settings say so for this folder"
        if not self._consent.allows(document.path):
            return "the setting `context` is off, here or everywhere"
        return ""

    def _look_again(self) -> None:
        self._soon(_PAUSE_SECONDS)

    def _soon(self, seconds: float) -> None:
        """Gather anew then, for the document that is worked at."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._begin)

    async def gather(self) -> None:
        """Gather anew for the document that is worked at, now, and wait until that is done."""
        self._begin()
        if self._renewing is not None:
            await self._renewing

    def _begin(self) -> None:
        self._timer = None
        document = self._documents.get(self._current)
        known = self._known.get(self._current)
        if document is None or known is None or known.sent is None or known.sent.reason:
            return  # nobody has asked for a completion here, or it takes none
        if self._renewing is not None and not self._renewing.done():
            self._soon(_PAUSE_SECONDS)
            return
        known.asked = True
        self._renewing = asyncio.ensure_future(self._renew(document, known))

    async def _renew(self, document: Document, known: _Known) -> None:
        if (starts := await self._librarian.running()) is None:
            return
        if starts != self._starts:
            self._starts = starts
            self._told.clear()
        self._tell_news()
        before, after = around(document.buffer, known.offset or 0)
        root, path = self._inside(document.path)
        top = "".join(document.buffer.lines[:_TOP_LINES])
        place = Place(root, path, document.language, top, before[-NEAR_BEFORE:], after[:NEAR_AFTER])
        others = [d.path for d in self._documents if d.path and d.uri != document.uri]
        found = await self._librarian.ask(place, others)
        if found is None:
            return
        budget = min(self._settings().context.max_characters, budget_for(known.tokens))
        wanted = _in_turns([*found, *self._ring.pieces])
        # It reads files of settings, and compares texts.
        known.kept = await asyncio.to_thread(
            renewed, known.kept, wanted, budget, before, after, self._may_send
        )

    def _tell_news(self) -> None:
        """Let the librarian know what stands in the editor and not on disk."""
        for document in self._documents:
            if not document.path or self._told.get(document.uri) == document.version:
                continue
            self._told[document.uri] = document.version
            text = document.buffer.text
            if not is_secret(document.path) and len(text) <= LARGEST:
                self._librarian.tell({"file": document.path, "text": text})

    def _may_send(self, path: str) -> bool:
        readable = self._settings().reads_in(path) and not is_secret(path)
        return readable and self._consent.allows(path)

    def _leave(self, uri: str, document: Document | None = None) -> None:
        """Remember the place that was worked at in a document."""
        document = document or self._documents.get(uri)
        known = self._known.get(uri)
        if document is None or known is None or known.offset is None:
            return
        if not document.path or is_prose(document.language):
            return
        _, path = self._inside(document.path)
        row = document.buffer.position(known.offset).line
        if self._ring.add(document.path, path, document.buffer.lines, row):
            self._look_again()

    def _inside(self, path: str) -> tuple[str, str]:
        """The open folder that a file belongs to, or empty, and its path inside that."""
        inner = [root for root in self._roots if root in Path(path).parents]
        root = max(inner, key=lambda root: len(root.parts), default=None)
        return ("", path) if root is None else (str(root), str(Path(path).relative_to(root)))


def _in_turns(pieces: Sequence[Piece]) -> list[Piece]:
    """The first of each kind before the rest of any."""
    first: list[Piece] = []
    for origin, count in _FIRST.items():
        first += [piece for piece in pieces if piece.origin == origin][:count]
    return list(dict.fromkeys([*first, *pieces]))
