"""From the engine's thread to asyncio.

The engine hands the pieces of an answer over as they are made. Whoever waits for an answer also
watches the connection: when the client has gone, the generation is cancelled, and the engine ends
it between two tokens.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from fastapi import Request

from assistant.engine.requests import CancelToken, Chunk, Deliver, Job, Priority
from assistant.errors import Cancelled
from assistant.server.catalog import Target
from assistant.server.engines import Answering
from assistant.server.host import Lease, ModelHost
from assistant.server.limits import Limits
from assistant.server.metrics import Metrics, Watch
from assistant.server.pieces import Piece, Pieces
from assistant.server.refusals import Refusal
from assistant.server.routes import route_of

QUEUE_RETRY_SECONDS = 2

Submit = Callable[[Answering, int, Job, Deliver], None]
"""Begins the answer of that number with an engine."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom, and how often."""

    target: Target
    submit: Submit
    priority: Priority
    client: str
    count: int = 1
    """How many answers are wanted."""


class Answer:
    """The answers to one question, piece by piece: an async iterator of numbers and chunks."""

    def __init__(
        self, question: Question, watch: Watch, closed: Callable[["Answer"], None]
    ) -> None:
        """`watch` takes its time; `closed` is called once, when it is closed."""
        self.question = question
        self.streamed = False
        """Whether its pieces are sent as they are made."""
        self._watch = watch
        self._on_closed: Callable[[Answer], None] | None = closed
        self._cancel = CancelToken()
        self._left = question.count
        self._pieces = Pieces()
        self._taken: deque[Piece] = deque()
        self._lease: Lease | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, host: ModelHost, request: Request) -> None:
        """Start generating, and cancel it when the client of `request` goes away."""
        self._tasks = [
            asyncio.create_task(self._start(host)),
            asyncio.create_task(self._close_when_gone(request)),
        ]

    def end(self, error: Exception) -> None:
        """Stop generating; whoever waits for the answer gets `error`."""
        self._pieces.put(error)
        self._stop()

    def close(self) -> None:
        """End the generation, if it has not ended yet. May be called again."""
        # Whoever still waits need not wait for the engine to notice.
        self._pieces.put(Cancelled("the request was cancelled"))
        self._stop()
        if self._on_closed is not None:
            on_closed, self._on_closed = self._on_closed, None
            on_closed(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, Chunk]:
        if self._left == 0:
            raise StopAsyncIteration
        if not self._taken:
            self._taken.extend(await self._pieces.take())
        piece = self._taken.popleft()
        if isinstance(piece, Exception):
            raise piece
        self._watch.seen()
        if piece[1].finish is not None:
            self._left -= 1
            if self._left == 0:
                self._watch.done()
        return piece

    async def _start(self, host: ModelHost) -> None:
        target = self.question.target
        try:
            self._lease = await host.lease(target.choice, target.adapter)
            # Writing the prompt, and reading a schema, takes a while where they are long.
            await asyncio.to_thread(self._submit, self._lease)
        except Exception as error:  # raised again where the answer is awaited
            self._pieces.put(error)

    def _submit(self, lease: Lease) -> None:
        question = self.question
        for number in range(question.count):
            job = Job(lease.adapter, question.priority, question.client, self._cancel)
            question.submit(lease.engine, number, job, self._deliver(number))

    def _deliver(self, number: int) -> Deliver:
        def deliver(piece: Chunk | Exception) -> None:
            self._pieces.put(piece if isinstance(piece, Exception) else (number, piece))

        return deliver

    async def _close_when_gone(self, request: Request) -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.close()

    def _stop(self) -> None:
        self._cancel.cancel()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        if self._lease is not None:
            self._lease.release()


class Answers:
    """The answers that are waited for: not too many, and none for too long."""

    def __init__(self, host: ModelHost, limits: Limits, metrics: Metrics) -> None:
        """`host` has the model."""
        self._host = host
        self._limits = limits
        self._metrics = metrics
        self._open: dict[Answer, asyncio.TimerHandle | None] = {}
        self._ending = False
        self._changed = asyncio.Event()
        metrics.gauge("answers", "Answers that are being made or wait for their turn.", self._count)
        metrics.gauge("streams", "Answers that are sent as they are made.", self._streams)

    @property
    def ending(self) -> bool:
        """Whether no new ones are begun any more."""
        return self._ending

    def begin(self, request: Request, question: Question) -> Answer:
        """Start answering. Raises Refusal where there are too many, Cancelled when it ends."""
        if self._ending:
            raise Cancelled("the model server is ending")
        count, limit = self._count(), self._limits.queue
        if limit and count + question.count > limit:
            message = f"{count} answers are being made or wait for their turn: try again later"
            raise Refusal(429, message, code="queue_full", retry_after=QUEUE_RETRY_SECONDS)
        watch = self._metrics.watch(route_of(request.url.path))
        answer = Answer(question, watch, self._closed)
        self._open[answer] = self._deadline(answer)
        answer.begin(self._host, request)
        return answer

    async def end(self) -> None:
        """Begin nothing any more, and cancel what is still running after the time of grace."""
        self._ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.grace_seconds):
                while self._open:
                    self._changed.clear()
                    await self._changed.wait()
        self.cancel()

    def cancel(self) -> None:
        """Cancel all that is running."""
        for answer in list(self._open):
            answer.end(Cancelled("the model server is ending"))

    def _deadline(self, answer: Answer) -> asyncio.TimerHandle | None:
        seconds = self._limits.answer_seconds
        if not seconds:
            return None
        message = (
            f"the request took longer than {seconds / 60:g} minutes: ask for less at once, or let"
            " `request_minutes` in the settings of the server be more"
        )
        late = Refusal(504, message, code="request_timeout", retry=False)
        return asyncio.get_running_loop().call_later(seconds, answer.end, late)

    def _closed(self, answer: Answer) -> None:
        deadline = self._open.pop(answer)
        if deadline is not None:
            deadline.cancel()
        self._changed.set()

    def _count(self) -> int:
        return sum(answer.question.count for answer in self._open)

    def _streams(self) -> int:
        return sum(answer.streamed for answer in self._open)
