"""From the engine's blocking generators to asyncio.

All answers are computed in one thread, which hands their pieces over as they are made. Whoever
waits for an answer also watches the connection: when the client has gone, the generation is
cancelled, and the engine ends it between two tokens.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Self

from fastapi import Request

from assistant.engine.turns import CancelToken
from assistant.errors import Cancelled
from assistant.server.serving import Piece

Work = Callable[[CancelToken], Iterator[Piece]]
"""Starts an answer; the iterator blocks, and raises Cancelled when the token says so."""


class EngineThread:
    """The one thread that loads and computes, one job after another.

    One, because every thread that computes gets a team of worker threads of its own from OpenMP:
    a new thread for each request would start a new team for each key that is pressed.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        threading.Thread(target=self._run, name="engine", daemon=True).start()

    def submit(self, job: Callable[[], None]) -> None:
        """Run `job`, which raises nothing, when those before it are done."""
        self._jobs.put(job)

    def wait_idle(self, seconds: float) -> bool:
        """Whether no job is running, now or within `seconds`."""
        return self._idle.wait(seconds)

    def _run(self) -> None:
        while True:
            job = self._jobs.get()
            self._idle.clear()
            job()
            self._idle.set()


class Answer:
    """The pieces of one answer, as an async iterator."""

    def __init__(self, work: Work, ended: Callable[["Answer"], None]) -> None:
        """`ended` is called when the answer is closed."""
        self._work = work
        self._ended = ended
        self._cancel = CancelToken()
        self._loop = asyncio.get_running_loop()
        self._pieces: asyncio.Queue[Piece | Exception | None] = asyncio.Queue()
        self._watcher: asyncio.Task[None] | None = None

    def watch(self, request: Request) -> None:
        """Cancel the generation when the client of `request` goes away."""

        async def cancel_when_gone() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                pass
            self.close()

        self._watcher = asyncio.create_task(cancel_when_gone())

    def close(self) -> None:
        """End the generation, if it has not ended yet. May be called again."""
        self._cancel.cancel()
        # Whoever still waits need not wait for the thread to notice.
        self._pieces.put_nowait(Cancelled("the request was cancelled"))
        if self._watcher is not None and self._watcher is not asyncio.current_task():
            self._watcher.cancel()
        self._ended(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Piece:
        piece = await self._pieces.get()
        if piece is None:
            raise StopAsyncIteration
        if isinstance(piece, Exception):
            raise piece
        return piece

    def compute(self) -> None:
        """Generate, here and now: the job of the engine's thread."""
        if self._cancel.cancelled:
            return
        try:
            for chunk in self._work(self._cancel):
                self._hand_over(chunk)
            self._hand_over(None)
        except Exception as error:  # raised again where the answer is awaited
            self._hand_over(error)

    def _hand_over(self, piece: Piece | Exception | None) -> None:
        # The loop is closed when the server has ended without waiting for this thread.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)


class Answers:
    """The answers that are waited for, so that all can be ended with the server."""

    def __init__(self, thread: EngineThread) -> None:
        """`thread` is where they are computed."""
        self._thread = thread
        self._open: set[Answer] = set()
        self._ending = False

    def begin(self, request: Request, work: Work) -> Answer:
        """Start generating for the client of `request`. Raises Cancelled when the server ends."""
        if self._ending:
            raise Cancelled("the model server is ending")
        answer = Answer(work, self._open.discard)
        self._open.add(answer)
        answer.watch(request)
        self._thread.submit(answer.compute)
        return answer

    def end(self) -> None:
        """Cancel all that is running, and begin nothing any more."""
        self._ending = True
        for answer in list(self._open):
            answer.close()
