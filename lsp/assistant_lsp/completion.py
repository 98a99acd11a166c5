"""Text at the cursor, for an editor: the newest completion of each document.

What is kept of earlier answers, and when a model is asked, is the same wherever somebody types: see
`assistant.completion.generations`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsprotocol import types

from assistant.completion.generations import Generations, Limits, Place
from assistant.completion.keystrokes import is_quiet
from assistant.completion.record import Origin, Recorder
from assistant.completion.suggestions import Suggestion
from assistant.edit import Edit
from assistant.history import Outcome
from assistant.messages import CompletionRequest
from assistant_lsp.context import ProjectContext
from assistant_lsp.documents import Document, Documents
from assistant_lsp.messages import Messages
from assistant_lsp.model import Model
from assistant_lsp.settings import CompletionSettings, EditorSettings
from assistant_lsp.switch import Switch
from assistant_lsp.window import around

if TYPE_CHECKING:
    from assistant.client import ModelCard


@dataclass(frozen=True)
class _Place(Place):
    """A place in one version of a document."""

    document: Document


class Completions:
    """The newest completion of each document, and those that were shown before."""

    def __init__(
        self,
        documents: Documents,
        model: Model,
        messages: Messages,
        switch: Switch,
        recorder: Recorder,
        context: ProjectContext,
    ) -> None:
        self._context = context
        self._documents = documents
        self._model = model
        self._messages = messages
        self._switch = switch
        self._recorder = recorder
        self._generations = Generations(model, self._request, messages.trouble)
        self._quiet: set[str] = set()

    async def at(
        self,
        document: Document,
        position: types.Position,
        settings: EditorSettings,
        *,
        automatic: bool,
        patient: bool = True,
    ) -> str:
        """The suggestion at a position, with the document's line ends, or empty for none.

        `automatic` says that the editor asks because something was typed, not the user. With
        `patient`, the answer may come when the model is loaded.
        """
        # A position that the document has not was made for another version of it.
        if not document.buffer.fits(position):
            return ""
        if not settings.suggests_in(document.language, document.path):
            return ""
        if automatic and (not self._switch.on or document.uri in self._quiet):
            return ""
        offset = document.buffer.offset(position)
        self._context.at(document, offset)
        before, after = around(document.buffer, offset)
        limits = _limits(settings.completion)
        place = _Place(document.uri, document.language, before, after, limits, document)
        if not (before.strip() or after.strip()) or not place.spot.wanted:
            return ""
        found = self._generations.kept(place)
        if found is None and not patient and self._model.at_hand() is None:
            return ""
        self._messages.trace("suggestion: asked the model" if found is None else "suggestion: kept")
        if found is None:
            delay = self._generations.pace.delay if automatic else None
            found = await self._generations.asked(place, delay)
        suggestion, rest = found
        # An answer for an older text would be recorded, and perhaps shown, at a wrong place.
        if not rest or self._documents.get(document.uri) is not document:
            return ""
        text = rest.replace("\n", document.buffer.line_end)
        if suggestion.request is not None:
            offset = document.buffer.offset(position)
            origin = Origin(suggestion.model, suggestion.adapter)
            self._recorder.shown(document, offset, text, suggestion.request, origin)
        return text

    def keep(self, uri: str, suggestion: Suggestion) -> None:
        """Remember one that was shown beside another, so that it can be typed along with."""
        self._generations.made.add_beside(uri, suggestion)

    def settled(self, suggestion: str, outcome: Outcome) -> None:
        """It is known what became of a suggestion, by its id in the record."""
        self._generations.pace.became(suggestion, outcome)

    def changed(self, uri: str, edits: Sequence[Edit]) -> None:
        """The document was edited: end a generation that this made useless."""
        self._generations.pace.key(time.monotonic())
        quiet = is_quiet(edits, lambda text: self._generations.made.said(uri, text))
        (self._quiet.add if quiet else self._quiet.discard)(uri)
        document = self._documents.get(uri)
        if document is not None and edits and self._generations.runs(uri):
            cursor = edits[-1].start + len(edits[-1].text)
            self._generations.changed(uri, *around(document.buffer, cursor))

    def closed(self, uri: str) -> None:
        """The document is not open any more."""
        self._generations.forget(uri)
        self._quiet.discard(uri)

    def forget(self) -> None:
        """Another model is used from now on."""
        self._generations.made.clear()

    def _request(self, place: _Place, card: "ModelCard", ahead: bool) -> CompletionRequest:
        return self._context.request(place.document, place.before, place.after, card, ahead=ahead)


def _limits(settings: CompletionSettings) -> Limits:
    return Limits(
        max_tokens=settings.max_tokens,
        max_lines=settings.max_lines,
        budget_seconds=settings.budget_ms / 1000,
        ahead=settings.ahead,
    )
