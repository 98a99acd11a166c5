"""The engine's thread: it computes pass after pass for whoever is waiting.

One thread, because every thread that computes gets a team of worker threads of its own from
OpenMP, and because a model has one set of weights to read: what can be computed together, is.
"""

import atexit
import logging
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

import torch

from assistant.engine.generation import Generation
from assistant.engine.parts import Interrupt, Interrupted, Part
from assistant.engine.prefix_cache import PrefixCache
from assistant.engine.requests import Chunk, EngineStats, Priority
from assistant.engine.runner import Runner
from assistant.engine.scheduler import Limits, Scheduler, Turn
from assistant.engine.threads import end_workers
from assistant.errors import AssistantError, Cancelled

logger = logging.getLogger(__name__)

_loops: "weakref.WeakSet[EngineLoop]" = weakref.WeakSet()
_SECONDS_TO_END = 10
_IDLE_SECONDS = 0.5

_LONG = 64
"""Tokens from which on a pass takes long enough to be worth breaking off."""
Result = TypeVar("Result")


class EngineLoop:
    """Passes through one model for all requests that there are."""

    def __init__(
        self, runner: Runner, prefixes: PrefixCache, limits: Limits, out_of_memory: str
    ) -> None:
        """`out_of_memory` is what to tell people when there is not enough."""
        self._runner = runner
        self._prefixes = prefixes
        self._out_of_memory = out_of_memory
        self._scheduler: Scheduler[Generation] = Scheduler(limits)
        self._changed = threading.Condition()
        self._arrived: deque[Generation] = deque()
        self._calls: deque[Callable[[], None]] = deque()
        self._closing = False
        self._steps = self._round = 0
        self._done = [0, 0, 0, 0, 0]
        self.thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.thread.start()
        _loops.add(self)

    def submit(self, generation: Generation) -> None:
        """Begin a request. Raises Cancelled when the engine is closed."""
        with self._changed:
            if self._closing:
                raise Cancelled("the engine is closed")
            self._arrived.append(generation)
            self._changed.notify()

    def call(self, work: Callable[[], Result]) -> Result:
        """Run `work` in the engine's thread, between two passes, and wait for it."""
        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        with self._changed:
            if self._closing:
                raise Cancelled("the engine is closed")
            self._calls.append(run)
            self._changed.notify()
        return future.result()

    def close(self) -> None:
        """End the thread; whoever still waits for an answer gets Cancelled."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    @property
    def length(self) -> int:
        """How many requests there are."""
        return len(self._scheduler) + len(self._arrived)

    def stats(self) -> EngineStats:
        """How it is doing; from any thread, without waiting."""
        running = len(self._scheduler.running)
        waiting = max(0, self.length - running)
        return EngineStats(running, waiting, self._prefixes.nbytes, self._steps, *self._done)

    @torch.inference_mode()
    def _run(self) -> None:
        while self._wait():
            self._drop_cancelled()
            self._admit()
            self._step()
        self._end_all()

    def _wait(self) -> bool:
        """Wait for something to do; False when it is time to end."""
        with self._changed:
            patience: float | None = _IDLE_SECONDS
            while not (self._closing or self._calls or self._arrived or len(self._scheduler)):
                if not self._changed.wait(patience):
                    end_workers()  # another engine's may want the cores
                    patience = None
            calls = list(self._calls)
            self._calls.clear()
            while self._arrived:
                self._scheduler.add(self._arrived.popleft())
        for call in calls:
            call()
        return not self._closing

    def _drop_cancelled(self) -> None:
        for generation in [*self._scheduler.waiting, *self._scheduler.running]:
            if generation.job.cancel.cancelled:
                self._fail(generation, Cancelled("the request was cancelled"))

    def _admit(self) -> None:
        while self._scheduler.admit() is not None:
            pass

    def _step(self) -> None:
        """One pass for those whose turn it is."""
        turns = self._scheduler.turns()
        if not turns:
            return
        if not self._runner.together:
            self._round += 1
            turns = [turns[self._round % len(turns)]]
        parts: list[Part] = []
        before: list[int] = []
        try:
            for turn in turns:
                self._begin(turn.request)
                before.append(turn.request.cache.get_seq_length())
                # What was broken off comes in smaller pieces, so that it gets done at all.
                most = max(1, turn.tokens >> turn.request.interruptions)
                parts.append(turn.request.next_part(most))
            logits = self._runner.forward(parts, self._interrupt(turns, parts))
        except Interrupted:
            self._cut(turns, before)
            for turn in turns:
                turn.request.interruptions += turn.request.reading
            return
        except Exception as error:
            self._fail_pass(turns, before, error)
            return
        self._steps += 1
        for turn, part, rows in zip(turns, parts, logits, strict=True):
            if part.keep:
                self._take(turn.request, rows)

    def _interrupt(
        self, turns: Sequence[Turn[Generation]], parts: Sequence[Part]
    ) -> Interrupt | None:
        """When to break off a pass that reads a prompt: for a cursor, or when nobody wants it."""
        if max(len(part.ids) for part in parts) < _LONG:
            return None
        urgent = min(turn.request.job.priority for turn in turns) is Priority.COMPLETION

        def interrupt() -> bool:
            if all(turn.request.job.cancel.cancelled for turn in turns):
                return True
            arrived = any(one.job.priority is Priority.COMPLETION for one in list(self._arrived))
            return arrived and not urgent

        return interrupt

    def _cut(self, turns: Sequence[Turn[Generation]], before: Sequence[int]) -> None:
        """Take away what a pass that did not come to its end has written."""
        for turn, length in zip(turns, before, strict=False):
            with suppress(AttributeError):  # a cache that cannot be cut is not kept either
                turn.request.cache.hold(length)

    def _begin(self, generation: Generation) -> None:
        """Look for what was computed before, as late as can be: others may compute it yet."""
        if generation.cache is not None:
            return
        running = [
            kept
            for other in self._scheduler.running
            if other.cache is not None and (kept := other.kept()) is not None and kept.ids
        ]
        adapter = generation.adapter.name if generation.adapter else None
        generation.begin(self._prefixes.take(generation.ids, adapter, running))

    def _take(self, generation: Generation, logits: torch.Tensor) -> None:
        try:
            chunk = generation.take(logits)
        except Exception as error:
            self._fail(generation, error)
            return
        if generation.finished:
            # First: whoever hears of the end may ask again, or look at the counts.
            self._release(generation)
        if chunk is not None:
            self._deliver(generation, chunk)

    def _fail_pass(
        self, turns: Sequence[Turn[Generation]], before: Sequence[int], error: Exception
    ) -> None:
        """A pass failed: what it wrote is cut away, and its requests end."""
        self._cut(turns, before)
        told: Exception = error
        if isinstance(error, torch.OutOfMemoryError):
            self._prefixes.clear()
            tokens = max(len(turn.request.ids) for turn in turns)
            told = AssistantError(self._out_of_memory.format(tokens=tokens))
        elif not isinstance(error, AssistantError):
            # Messages of exceptions may quote the user's text: where it happened must do.
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.error("%s in a pass:\n%s", type(error).__name__, frames)
        for turn in turns:
            self._fail(turn.request, told)

    def _fail(self, generation: Generation, error: Exception) -> None:
        self._release(generation)
        self._deliver(generation, error)

    def _deliver(self, generation: Generation, piece: Chunk | Exception) -> None:
        try:
            generation.deliver(piece)
        except Exception:  # whoever waited has gone
            generation.job.cancel.cancel()

    def _release(self, generation: Generation) -> None:
        """Let go of a request, and keep what it has computed for others."""
        self._scheduler.remove(generation)
        usage = generation.usage if generation.cache is not None else None
        if usage is not None:
            counts = (
                usage.prompt_tokens,
                usage.cached_tokens,
                usage.completion_tokens,
                usage.drafted_tokens,
                usage.accepted_tokens,
            )
            self._done = [old + new for old, new in zip(self._done, counts, strict=True)]
            kept = generation.kept()
            if kept is not None and kept.ids:
                self._prefixes.put(kept)
        generation.cache = None

    def _end_all(self) -> None:
        for generation in [*self._scheduler.waiting, *self._scheduler.running, *self._arrived]:
            self._fail(generation, Cancelled("the engine is closed"))
        for call in list(self._calls):
            call()
        self._prefixes.clear()


@atexit.register
def _end_loops() -> None:
    """Python would pull the interpreter from under a thread that is deep in native code."""
    loops = list(_loops)
    for loop in loops:
        loop.close()
    for loop in loops:
        loop.thread.join(_SECONDS_TO_END)
