"""At most one generation for each document, and that for its newest text.

What was suggested is kept, so that typing along with it, or coming back to it, asks nobody. A
generation goes on as long as what is typed agrees with it.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from assistant.completion.pace import Pace
from assistant.completion.suggestions import Suggestion, Suggestions
from assistant.errors import AssistantError, ServerGoneError
from assistant.messages import CompletionRequest, SamplingParams

if TYPE_CHECKING:
    from assistant.client import AnswerStream, ModelCard, ModelClient
    from assistant.suggestion import Spot


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is suggested, and how soon."""

    max_tokens: int = 64
    max_lines: int = 8
    one_sentence: bool = False
    """Whether a suggestion in prose ends with its first sentence."""
    budget_seconds: float = 0.3
    """After so long, what is there of a suggestion is shown as soon as it is a whole line."""
    ahead: bool = True
    """Whether the model goes on behind a suggestion while it is read, as if it were accepted."""


@dataclass(frozen=True)
class Place:
    """Where a suggestion is wanted. Texts have `\\n` as line end."""

    uri: str
    """What the document is known by."""
    language: str
    before: str
    after: str
    limits: Limits

    @cached_property
    def spot(self) -> "Spot":
        """What may be suggested there."""
        # It brings the grammars along, which nobody needs before a place is looked at.
        from assistant.suggestion import Spot

        limits = self.limits
        return Spot(
            self.before,
            self.after,
            limits.max_lines,
            self.language,
            one_sentence=limits.one_sentence,
        )

    def behind(self, text: str) -> Self:
        """The place that there is when `text` was accepted."""
        return replace(self, before=self.before + text)


class Model(Protocol):
    """The model that is asked."""

    async def awaited(self) -> "tuple[ModelClient, ModelCard] | None":
        """It, or None where it is not to be had."""

    async def start_again(self) -> None:
        """Load it anew: its server has gone."""


P = TypeVar("P", bound=Place)


@dataclass(slots=True, eq=False)
class _Job(Generic[P]):
    """A generation that runs."""

    place: P
    suggestion: Suggestion
    follows: Suggestion | None
    """The suggestion that it goes on behind, which nobody has accepted yet."""
    task: "asyncio.Task[None]" = field(init=False)
    grown: asyncio.Condition = field(default_factory=asyncio.Condition)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where it is not to be put off any more."""
    waiting: int = 0

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for it, rather than may want it later."""
        return self.follows is None or self.waiting > 0

    def agrees(self, before: str, after: str) -> bool:
        """Whether it may still be of use at a cursor between these texts."""
        followed = self.follows is not None and self.follows.typed(before, after) is not None
        return followed or self.suggestion.typed(before, after) is not None

    async def until_line(self, typed: int) -> None:
        """Wait for a whole line behind what was typed."""
        async with self.grown:
            await self.grown.wait_for(lambda: "\n" in self.suggestion.raw[typed:].lstrip())


class Generations(Generic[P]):
    """The newest generation of each document, and what all of them have suggested."""

    def __init__(
        self,
        model: Model,
        request: "Callable[[P, ModelCard, bool], CompletionRequest]",
        on_trouble: Callable[[str], None],
        pace: Pace | None = None,
    ) -> None:
        """`request` says what to send for a place; its flag tells that nobody waits for it yet.

        `on_trouble` is told what kept somebody from getting an answer.
        """
        self.pace = pace or Pace()
        self.made = Suggestions()
        self._model = model
        self._request = request
        self._on_trouble = on_trouble
        self._jobs: dict[str, _Job[P]] = {}

    def kept(self, place: P) -> tuple[Suggestion, str] | None:
        """An earlier suggestion and what is left of it, or None."""
        found = self.made.rest(place.uri, place.before, place.after)
        if found is not None:
            self._go_ahead(place, *found)
        return found

    async def asked(self, place: P, delay: float | None) -> tuple[Suggestion, str]:
        """What the model says, and what of it is to be shown, perhaps nothing.

        It is asked after `delay` seconds, or at once, with None, where somebody asks by hand.
        """
        job = self._running(place) or self._begin(place, delay or 0.0)
        if job.follows is not None or delay is None:
            job.hurry.set()
        typed = job.suggestion.typed(place.before, place.after) or 0
        job.waiting += 1
        try:
            await self._first(job, typed, place.limits.budget_seconds)
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

    def runs(self, uri: str) -> bool:
        """Whether something is generated for a document."""
        return uri in self._jobs and not self._jobs[uri].task.done()

    def changed(self, uri: str, before: str, after: str) -> None:
        """A document was edited, and the cursor is there: end a generation that is useless now."""
        if (job := self._jobs.get(uri)) is not None and not job.agrees(before, after):
            self.end(uri)

    def end(self, uri: str) -> None:
        """End the generation of a document, if there is one."""
        if (job := self._jobs.pop(uri, None)) is not None:
            job.task.cancel()

    def forget(self, uri: str) -> None:
        """A document is not open any more."""
        self.end(uri)
        self.made.forget(uri)

    async def _first(self, job: _Job[P], typed: int, seconds: float) -> None:
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

    def _running(self, place: P) -> _Job[P] | None:
        """The generation that this place can wait for, as ghost text and then the popup do."""
        job = self._jobs.get(place.uri)
        if job is None or job.task.done() or job.place.limits != place.limits:
            return None
        typed = job.suggestion.typed(place.before, place.after)
        return None if typed is None else job

    def _begin(self, place: P, delay: float, follows: Suggestion | None = None) -> _Job[P]:
        self.end(place.uri)
        job = _Job(place, Suggestion.at(place.before, place.after), follows)
        job.task = asyncio.ensure_future(self._generate(job, delay))
        self._jobs[place.uri] = job
        return job

    def _go_ahead(self, place: P, suggestion: Suggestion, rest: str) -> None:
        """Begin what comes behind a suggestion when the user stops to look at it."""
        if not (place.limits.ahead and self.pace.looks_ahead):
            return
        after = place.behind(rest)
        known = self.made.rest(place.uri, after.before, after.after) is not None
        if not self.runs(place.uri) and not known and after.spot.wanted:
            self._begin(after, self.pace.pause, follows=suggestion)

    async def _generate(self, job: _Job[P], delay: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await job.hurry.wait()
        if (ready := await self._model.awaited()) is None:
            return
        client, card = ready
        place, begun = job.place, time.monotonic()
        request = self._request(place, card, job.follows is not None)
        job.suggestion.request, job.suggestion.model = request, card.name
        job.suggestion.adapter = card.adapter
        params = SamplingParams(max_tokens=place.limits.max_tokens)
        try:
            pieces = client.stream_complete(request, params, restart=False)
            await _read(job, pieces)
        except ServerGoneError:
            await self._model.start_again()
            return
        except AssistantError as error:
            if job.wanted:
                self._on_trouble(str(error))
            return
        if job.wanted:
            self.pace.answered(time.monotonic() - begun)
        if job.suggestion.shown:
            self.made.add(place.uri, job.suggestion)


async def _read(job: _Job[P], pieces: "AnswerStream") -> None:
    """What the model writes, into the suggestion, and no more than can be shown."""
    spot = job.place.spot
    async with aclosing(pieces) as output:
        async for piece in output:
            async with job.grown:
                job.suggestion.raw += piece
                job.grown.notify_all()
            if spot.enough(job.suggestion.raw):
                break
    job.suggestion.shown = spot.suggestion(job.suggestion.raw, cut=pieces.finish == "length")
