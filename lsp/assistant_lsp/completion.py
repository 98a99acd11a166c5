"""Text at the cursor: at most one generation for each document, and that for its newest text.

What was suggested is kept, so that typing along with it, or coming back to it, asks nobody. A
generation goes on as long as what is typed agrees with it.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from lsprotocol import types

from assistant.errors import AssistantError, ServerGoneError
from assistant.history import Outcome
from assistant.messages import SamplingParams
from assistant.suggestion import Spot
from assistant_lsp.buffer import Edit
from assistant_lsp.context import ProjectContext
from assistant_lsp.documents import Document, Documents
from assistant_lsp.keystrokes import is_quiet
from assistant_lsp.messages import Messages
from assistant_lsp.model import Model
from assistant_lsp.pace import Pace
from assistant_lsp.record import Origin, Recorder
from assistant_lsp.settings import CompletionSettings, EditorSettings
from assistant_lsp.suggestions import Suggestion, Suggestions
from assistant_lsp.switch import Switch
from assistant_lsp.window import around

if TYPE_CHECKING:
    from assistant.client.answer import AnswerStream


@dataclass(frozen=True)
class _Place:
    """Where a suggestion is wanted. Texts have `\\n` as line end."""

    document: Document
    before: str
    after: str
    settings: CompletionSettings

    @cached_property
    def spot(self) -> Spot:
        """What may be suggested there."""
        return Spot(self.before, self.after, self.settings.max_lines, self.document.language)

    def behind(self, text: str) -> "_Place":
        """The place that there is when `text` was accepted."""
        return _Place(self.document, self.before + text, self.after, self.settings)


@dataclass(slots=True, eq=False)
class _Job:
    """A generation that runs."""

    place: _Place
    suggestion: Suggestion
    follows: Suggestion | None
    """The suggestion that it goes on behind, which nobody has accepted yet."""
    task: "asyncio.Task[None]" = field(init=False)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where it is not to be put off any more."""
    waiting: int = 0

    def agrees(self, before: str, after: str) -> bool:
        """Whether it may still be of use at a cursor between these texts."""
        followed = self.follows is not None and self.follows.typed(before, after) is not None
        return followed or self.suggestion.typed(before, after) is not None

    async def until_line(self, typed: int) -> None:
        """Wait for a whole line behind what was typed."""
        async with self.grown:
            await self.grown.wait_for(lambda: "\n" in self.suggestion.raw[typed:].lstrip())


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
        self._pace = Pace()
        self._made = Suggestions()
        self._jobs: dict[str, _Job] = {}
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
        place = _Place(document, before, after, settings.completion)
        if not (before.strip() or after.strip()) or not place.spot.wanted:
            return ""
        found = self._kept(place)
        if found is None and not patient and self._model.at_hand() is None:
            return ""
        self._messages.trace("suggestion: asked the model" if found is None else "suggestion: kept")
        suggestion, rest = found or await self._asked(place, automatic)
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
        self._made.add_beside(uri, suggestion)

    def settled(self, suggestion: str, outcome: Outcome) -> None:
        """It is known what became of a suggestion, by its id in the record."""
        if outcome != "shown":
            self._pace.settled(
                suggestion, accepted=outcome in ("accepted", "accepted_part", "typed")
            )

    def changed(self, uri: str, edits: Sequence[Edit]) -> None:
        """The document was edited: end a generation that this made useless."""
        self._pace.key(time.monotonic())
        quiet = is_quiet(edits, lambda text: self._made.said(uri, text))
        (self._quiet.add if quiet else self._quiet.discard)(uri)
        document = self._documents.get(uri)
        if (job := self._jobs.get(uri)) is None or document is None or not edits:
            return
        cursor = edits[-1].start + len(edits[-1].text)
        if not job.agrees(*around(document.buffer, cursor)):
            self._end(uri)

    def closed(self, uri: str) -> None:
        """The document is not open any more."""
        self._end(uri)
        self._made.forget(uri)
        self._quiet.discard(uri)

    def forget(self) -> None:
        """Another model is used from now on."""
        self._made.clear()

    def _end(self, uri: str) -> None:
        if (job := self._jobs.pop(uri, None)) is not None:
            job.task.cancel()

    def _kept(self, place: _Place) -> tuple[Suggestion, str] | None:
        """An earlier suggestion and what is left of it, or None."""
        found = self._made.rest(place.document.uri, place.before, place.after)
        if found is not None:
            self._go_ahead(place, *found)
        return found

    async def _asked(self, place: _Place, automatic: bool) -> tuple[Suggestion, str]:
        """What the model says, and what of it is to be shown, perhaps nothing."""
        delay = self._pace.delay if automatic else 0.0
        job = self._running(place) or self._begin(place, delay)
        if job.follows is not None or not automatic:
            job.hurry.set()
        typed = job.suggestion.typed(place.before, place.after) or 0
        job.waiting += 1
        try:
            await self._first(job, typed, place.settings.budget_ms / 1000)
        except asyncio.CancelledError:
            if job.waiting == 1:
                job.task.cancel()
            raise
        finally:
            job.waiting -= 1
        if not job.task.done():  # more is on its way into what is kept
            shown = job.place.spot.suggestion(job.suggestion.raw, cut=True)
            return job.suggestion, replace(job.suggestion, shown=shown).rest(
                place.before, place.after
            )
        rest = job.suggestion.rest(place.before, place.after)
        if rest:
            self._go_ahead(place, job.suggestion, rest)
        return job.suggestion, rest

    async def _first(self, job: _Job, typed: int, seconds: float) -> None:
        """Wait until there is something to show."""
        # Not `await job.task`: that one may be ended for a newer request, and this answered.
        await asyncio.wait([job.task], timeout=seconds)
        if job.task.done():
            return
        line = asyncio.ensure_future(job.until_line(typed))
        try:
            await asyncio.wait([job.task, line], return_when=asyncio.FIRST_COMPLETED)
        finally:
            line.cancel()

    def _running(self, place: _Place) -> _Job | None:
        """The generation that this place can wait for, as ghost text and then the popup do."""
        job = self._jobs.get(place.document.uri)
        if job is None or job.task.done() or job.place.settings != place.settings:
            return None
        typed = job.suggestion.typed(place.before, place.after)
        return None if typed is None else job

    def _begin(self, place: _Place, delay: float, follows: Suggestion | None = None) -> _Job:
        uri = place.document.uri
        self._end(uri)
        job = _Job(place, Suggestion.at(place.before, place.after), follows)
        job.task = asyncio.ensure_future(self._generate(job, delay))
        self._jobs[uri] = job
        return job

    def _go_ahead(self, place: _Place, suggestion: Suggestion, rest: str) -> None:
        """Begin what comes behind a suggestion when the user stops to look at it."""
        if not (place.settings.ahead and self._pace.looks_ahead):
            return
        after = place.behind(rest)
        uri = place.document.uri
        running = uri in self._jobs and not self._jobs[uri].task.done()
        known = self._made.rest(uri, after.before, after.after) is not None
        if not running and not known and after.spot.wanted:
            self._begin(after, self._pace.pause, follows=suggestion)

    async def _generate(self, job: _Job, delay: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await job.hurry.wait()
        if (ready := await self._model.awaited()) is None:
            return
        client, card = ready
        place, begun = job.place, time.monotonic()
        ahead = job.follows is not None
        request = self._context.request(
            place.document, place.before, place.after, card, ahead=ahead
        )
        job.suggestion.request, job.suggestion.model = request, card.name
        job.suggestion.adapter = card.adapter
        params = SamplingParams(max_tokens=place.settings.max_tokens)
        try:
            pieces = client.stream_complete(request, params, restart=False)
            await self._read(job, pieces, place.spot)
        except ServerGoneError:
            await self._model.start_again()
            return
        except AssistantError as error:
            if job.follows is None or job.waiting:
                self._messages.trouble(str(error))
            return
        if job.follows is None or job.waiting:
            self._pace.answered(time.monotonic() - begun)
        if job.suggestion.shown:
            self._made.add(place.document.uri, job.suggestion)

    async def _read(self, job: _Job, pieces: "AnswerStream", spot: Spot) -> None:
        """What the model writes, into the suggestion, and no more than can be shown."""
        async with aclosing(pieces) as output:
            async for piece in output:
                async with job.grown:
                    job.suggestion.raw += piece
                    job.grown.notify_all()
                if spot.enough(job.suggestion.raw):
                    break
        cut = pieces.finish == "length"
        job.suggestion.shown = spot.suggestion(job.suggestion.raw, cut=cut)
