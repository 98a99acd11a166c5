"""Several suggestions for one place, for a user who asks for them by hand."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsprotocol import types

from assistant.completion.record import Origin, Recorder
from assistant.completion.suggestions import Suggestion
from assistant.errors import AssistantError, ServerGoneError
from assistant.line_ends import with_line_feeds
from assistant.messages import CompletionRequest, SamplingParams
from assistant.suggestion import Spot
from assistant_lsp.completion import Completions
from assistant_lsp.context import ProjectContext
from assistant_lsp.documents import Document, Documents
from assistant_lsp.model import Model
from assistant_lsp.settings import CompletionSettings, EditorSettings
from assistant_lsp.window import around

if TYPE_CHECKING:
    from assistant.client import ModelCard, ModelClient

_TEMPERATURE = 0.8
"""High enough to hear something else than the likeliest, and low enough for it to make sense."""


@dataclass(frozen=True, slots=True)
class _Others:
    """What else was said at a place."""

    before: str
    after: str
    request: CompletionRequest
    origin: Origin
    texts: list[str]

    def suggestion(self, text: str) -> Suggestion:
        """One of them, to be remembered."""
        one = Suggestion.at(self.before, self.after)
        one.raw = one.shown = text
        one.request = self.request
        one.model, one.adapter = self.origin.model, self.origin.adapter
        return one


class Candidates:
    """The likeliest suggestion, and others that the model may say instead."""

    def __init__(
        self,
        documents: Documents,
        model: Model,
        completions: Completions,
        recorder: Recorder,
        context: ProjectContext,
    ) -> None:
        self._documents = documents
        self._model = model
        self._completions = completions
        self._recorder = recorder
        self._context = context
        self._running: dict[str, tuple[Spot, asyncio.Task[list[str]]]] = {}

    async def at(
        self, document: Document, position: types.Position, settings: EditorSettings
    ) -> list[str]:
        """The suggestions at a position, with the document's line ends, the likeliest first."""
        first = await self._completions.at(document, position, settings, automatic=False)
        ready = self._model.at_hand()
        if not first or ready is None or settings.completion.candidates == 1:
            return [first] if first else []
        others = await self._others(document, position, settings.completion, ready)
        # What was made for an older text would be recorded, and perhaps shown, at a wrong place.
        if self._documents.get(document.uri) is not document:
            return []
        known, texts = {with_line_feeds(first).strip()}, []
        for text in others.texts:
            if text.strip() not in known:
                known.add(text.strip())
                texts.append(text)
        if not texts:
            return [first]
        for text in texts:
            self._completions.keep(document.uri, others.suggestion(text))
        texts = [text.replace("\n", document.buffer.line_end) for text in texts]
        offset = document.buffer.offset(position)
        self._recorder.also_shown(document, offset, texts, others.request, others.origin)
        return [first, *texts]

    def ended(self, uri: str) -> None:
        """Nobody waits for those of a document any more: it was edited, or closed."""
        if (found := self._running.pop(uri, None)) is not None:
            found[1].cancel()

    def _forget(self, uri: str, done: "asyncio.Task[list[str]]") -> None:
        if uri in self._running and self._running[uri][1] is done:
            del self._running[uri]

    async def _others(
        self,
        document: Document,
        position: types.Position,
        settings: CompletionSettings,
        ready: "tuple[ModelClient, ModelCard]",
    ) -> "_Others":
        """What else the model says there, perhaps the same."""
        client, card = ready
        before, after = around(document.buffer, document.buffer.offset(position))
        spot = Spot(before, after, settings.max_lines, document.language)
        request = self._context.request(document, before, after, card, ahead=False)
        running, task = self._running.get(document.uri, (None, None))
        if task is None or running != spot:  # who asks twice waits for the same
            self.ended(document.uri)
            task = asyncio.ensure_future(self._sampled(client, request, spot, settings))
            self._running[document.uri] = spot, task
            task.add_done_callback(lambda done: self._forget(document.uri, done))
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            raise
        texts = [] if task.cancelled() else task.result()
        return _Others(before, after, request, Origin(card.name, card.adapter), texts)

    async def _sampled(
        self,
        client: "ModelClient",
        request: CompletionRequest,
        spot: Spot,
        settings: CompletionSettings,
    ) -> list[str]:
        async def one(seed: int) -> str:
            params = SamplingParams(settings.max_tokens, _TEMPERATURE, seed=seed)
            stream = client.stream_complete(request, params, restart=False)
            try:
                async with aclosing(stream) as pieces:
                    return await spot.read(pieces)
            except ServerGoneError:  # whoever asks next would start it without the user being told
                await self._model.start_again()
            except AssistantError:  # there is one suggestion already, and that is shown
                pass
            return ""

        texts = await asyncio.gather(*map(one, range(1, settings.candidates)))
        return [text for text in texts if text]
