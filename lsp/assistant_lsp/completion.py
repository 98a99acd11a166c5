"""Text at the cursor: at most one generation for each document, and that for its newest text."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from lsprotocol import types

from assistant.errors import AssistantError
from assistant.messages import CompletionRequest, SamplingParams
from assistant.suggestion import Spot
from assistant_lsp.documents import Document
from assistant_lsp.messages import Messages
from assistant_lsp.model import Model
from assistant_lsp.settings import CompletionSettings, EditorSettings

_PREFIX_CHARACTERS = 16_000
_SUFFIX_CHARACTERS = 4_000
_PREFIX_PER_TOKEN, _SUFFIX_PER_TOKEN = 2.0, 0.5
"""How many characters to send for each token that the model can read: prefix and suffix together
fill it to about three quarters."""
_PREFIX_STEP = 64
"""The prefix begins at every so-manieth line: while the user types, it begins at the same place,
so that the model server finds it in its cache."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What a completion depends on."""

    version: int
    offset: int
    settings: CompletionSettings


@dataclass(slots=True)
class _Job:
    place: _Place
    task: asyncio.Task[str]
    waiting: int = 0


class Completions:
    """The newest completion of each document; an older one that still runs is ended."""

    def __init__(self, model: Model, messages: Messages) -> None:
        self._model = model
        self._messages = messages
        self._jobs: dict[str, _Job] = {}

    async def at(
        self, document: Document, position: types.Position, settings: EditorSettings
    ) -> str:
        """The suggestion at a position, with the document's line ends, or empty for none."""
        # A position that the document has not was made for another version of it.
        if not settings.suggests_in(document.language) or not document.buffer.fits(position):
            return ""
        offset = document.buffer.offset(position)
        job = self._job(document, _Place(document.version, offset, settings.completion))
        job.waiting += 1
        try:
            # Not `await job.task`: that one may be ended for a newer request, and this answered.
            await asyncio.wait([job.task])
        finally:
            job.waiting -= 1
            if job.waiting == 0:
                job.task.cancel()
        return "" if job.task.cancelled() else job.task.result()

    def changed(self, uri: str) -> None:
        """The document is not any more what its completion was asked for."""
        if (job := self._jobs.pop(uri, None)) is not None:
            job.task.cancel()

    def _job(self, document: Document, place: _Place) -> _Job:
        """The one for the same place, as for ghost text and then the popup, or a new one."""
        job = self._jobs.get(document.uri)
        if job is None or job.place != place or _is_void(job.task):
            self.changed(document.uri)
            job = _Job(place, asyncio.ensure_future(self._complete(document, place)))
            self._jobs[document.uri] = job
        return job

    async def _complete(self, document: Document, place: _Place) -> str:
        text = document.buffer.text
        prefix, suffix = text[: place.offset], text[place.offset :]
        line = prefix[max(prefix.rfind("\n"), prefix.rfind("\r")) + 1 :]
        spot = Spot(line, _unix(suffix[:_SUFFIX_CHARACTERS]), place.settings.max_lines)
        if not text.strip() or not spot.wanted:
            return ""
        if (ready := self._model.at_hand()) is None:
            return ""
        client, card = ready
        context = card.context or _PREFIX_CHARACTERS
        request = CompletionRequest(
            prefix=_end_of(
                _unix(prefix), min(_PREFIX_CHARACTERS, int(context * _PREFIX_PER_TOKEN))
            ),
            suffix=spot.after[: int(context * _SUFFIX_PER_TOKEN)],
            language=document.language,
            path=document.path,
        )
        params = SamplingParams(max_tokens=place.settings.max_tokens)
        try:
            async with aclosing(client.stream_complete(request, params)) as pieces:
                found = await spot.read(pieces)
        except AssistantError as error:
            self._messages.trouble(str(error))
            return ""
        return found.replace("\n", document.buffer.line_end)


def _is_void(task: asyncio.Task[str]) -> bool:
    """Whether there is nothing to be had from it; the model may have been loaded since."""
    return task.done() and (task.cancelled() or task.exception() is not None or not task.result())


def _end_of(prefix: str, limit: int) -> str:
    """The last `limit` characters or less, from a place that stays while one types."""
    if len(prefix) <= limit:
        return prefix
    lines = prefix[:-limit].count("\n") + 1
    skipped = -(-lines // _PREFIX_STEP) * _PREFIX_STEP
    parts = prefix.split("\n", skipped)
    end = parts[-1] if len(parts) > skipped else ""
    return end if 2 * len(end) > limit else prefix[-limit:]


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
