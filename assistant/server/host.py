"""Which model is in memory: loaded when it is asked for, one at a time, freed when it idles."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeVar

from assistant.client.record import ModelChoice
from assistant.engine.requests import EngineStats
from assistant.errors import AssistantError, Cancelled
from assistant.registry import LocalAdapter
from assistant.server.adapters import Adapters
from assistant.server.apart import apart
from assistant.server.engines import Answering, Card, Loader, Served
from assistant.server.refusals import Refusal

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

Status = Literal["loading", "ready", "unloaded", "failed"]


@dataclass(frozen=True, slots=True)
class State:
    """What `/health` tells: the status, and one line for people."""

    status: Status
    detail: str
    error: AssistantError | None = None
    """Why the server has no model at all."""


@dataclass
class _Held:
    """The model in memory."""

    choice: ModelChoice
    served: Served
    adapters: Adapters
    running: int = 0


@dataclass(frozen=True)
class _Waiter:
    choice: ModelChoice
    admitted: "asyncio.Future[_Held]"


@dataclass
class Lease:
    """A request's hold on the model in memory, which stays there until the lease is released."""

    engine: Answering
    adapter: str | None
    _let_go: Callable[[], None] | None

    def release(self) -> None:
        """Let go. May be called again."""
        if self._let_go is not None:
            let_go, self._let_go = self._let_go, None
            let_go()


class ModelHost:
    """Holds one model at a time. All methods belong to one event loop.

    Requests for the model in memory run at once. A request for another one waits until those that
    run are done; those that come after it wait behind it, so that no model keeps the others out.
    """

    def __init__(self, home: ModelChoice, loader: Loader) -> None:
        """`home` is the settings' model, which is loaded first."""
        self.home = home
        self.state = State("loading", f"loading {home.model}")
        self.cards: dict[ModelChoice, Card] = {}
        """Of the models that have been loaded once."""
        self._loader = loader
        self._held: _Held | None = None
        self._waiting: deque[_Waiter] = deque()
        self._moving = asyncio.Lock()
        self._changed = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def model(self) -> str:
        """The name of the model in memory, or of the one that is loaded first."""
        held = self._held
        return held.served.card.name if held is not None else self.home_name

    @property
    def home_name(self) -> str:
        """What the settings' model is called."""
        card = self.cards.get(self.home)
        return card.name if card is not None else self.home.model

    async def start(self) -> State:
        """Load the settings' model; whatever goes wrong becomes the state."""
        async with self._moving:
            try:
                await self._load(self.home)
            except AssistantError as error:
                self.state = State("failed", str(error), error)
                self._refuse_all(error)
        return self.state

    async def lease(self, choice: ModelChoice, adapter: LocalAdapter | None = None) -> Lease:
        """The model of `choice` with one of its adapters, once it is in memory.

        Raises AssistantError when it cannot be loaded, and Cancelled when the server ends.
        """
        held = await self._hold(choice)
        try:
            name = await held.adapters.use(adapter) if adapter is not None else None
        except BaseException:
            self._let_go(held)
            raise
        return Lease(held.served.engine, name, lambda: self._let_go(held))

    def drop_stale_adapters(self) -> None:
        """Free adapters whose folders are gone."""
        if self._held is not None:
            self._held.adapters.drop_stale()

    def is_loaded(self, choice: ModelChoice, adapter: LocalAdapter | None = None) -> bool:
        """Whether the model of `choice` is in memory, and the adapter, where one is named."""
        held = self._held
        if held is None or held.choice != choice:
            return False
        return adapter is None or held.adapters.has(adapter)

    def stats(self) -> EngineStats | None:
        """How the engine is doing, or None while none is loaded."""
        return self._held.served.engine.stats() if self._held is not None else None

    async def unload(self) -> bool:
        """Free the memory of the model, unless it is in use; whether that was done."""
        async with self._moving:
            if self._held is None or self._held.running or self._waiting:
                return False
            name = self.model
            await self._close()
            self.state = State("unloaded", f"{name} is loaded again when it is asked for")
            return True

    async def end(self, seconds: float) -> bool:
        """Answer nobody any more, and free the memory; whether that was done within `seconds`."""
        self._ended = True
        self._refuse_all(Cancelled("the model server is ending"))
        if self._moving.locked():
            return False
        with suppress(TimeoutError):
            await asyncio.wait_for(self._close(), seconds)
            return True
        return False

    async def _hold(self, choice: ModelChoice) -> _Held:
        if self.state.error is not None:
            raise Refusal(503, self.state.detail, code="model_failed")
        if self._ended:
            raise Cancelled("the model server is ending")
        held = self._held
        if held is not None and held.choice == choice and not self._waiting:
            held.running += 1
            return held
        waiter = _Waiter(choice, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve_waiting())
        try:
            return await waiter.admitted
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            elif not waiter.admitted.cancelled() and waiter.admitted.exception() is None:
                self._let_go(waiter.admitted.result())
            self._changed.set()
            raise

    async def _serve_waiting(self) -> None:
        """Let in whoever waits, in order, those for the same model together."""
        while self._waiting:
            async with self._moving:
                busy = bool(self._waiting) and await self._serve_first(self._waiting[0].choice)
            if busy:
                await self._changed.wait()

    async def _serve_first(self, choice: ModelChoice) -> bool:
        """Let in those who wait for `choice`, or refuse them; true while others run."""
        held = self._held
        if held is not None and held.choice != choice and held.running:
            self._changed.clear()
            return True
        if held is None or held.choice != choice:
            await self._switch(choice)
        if self._held is not None and self._held.choice == choice:
            self._admit(self._held)
        return False

    async def _switch(self, choice: ModelChoice) -> None:
        """The model of `choice` instead of the one in memory, which stays if it cannot be had."""
        before = self.state
        try:
            await self._try(choice, lambda: self._loader.check(choice))
            self.state = State("loading", f"loading {choice.model}")
            await self._close()
            await self._load(choice)
        except AssistantError as error:
            logger.warning("%s could not be loaded: %s", choice.model, error)
            self.state = before if self._held is not None else State("unloaded", str(error))
            self._refuse(choice, error)

    async def _load(self, choice: ModelChoice) -> None:
        served = await self._try(choice, lambda: self._loader.load(choice))
        self.cards[choice] = served.card
        self._held = _Held(choice, served, Adapters(served.engine))
        self.state = State("ready", served.card.description)

    async def _try(self, choice: ModelChoice, work: Callable[[], Result]) -> Result:
        """What `work` returns. Raises AssistantError, whatever went wrong."""
        try:
            return await apart(work, "loading")
        except AssistantError:
            raise
        except Exception as error:  # loading runs foreign code on foreign files
            logger.exception("loading the model failed")
            reason = str(error).strip().splitlines() or ["no reason was given"]
            line = f"{choice.model} could not be loaded: {type(error).__name__}: {reason[0]}"
            raise AssistantError(line) from error

    async def _close(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            await apart(held.served.engine.close, "closing")
            del held
            await apart(self._loader.free, "closing")

    def _let_go(self, held: _Held) -> None:
        held.running -= 1
        self._changed.set()

    def _admit(self, held: _Held) -> None:
        for waiter in [waiter for waiter in self._waiting if waiter.choice == held.choice]:
            self._waiting.remove(waiter)
            if not waiter.admitted.done():
                held.running += 1
                waiter.admitted.set_result(held)

    def _refuse(self, choice: ModelChoice, error: AssistantError) -> None:
        for waiter in [waiter for waiter in self._waiting if waiter.choice == choice]:
            self._waiting.remove(waiter)
            if not waiter.admitted.done():
                waiter.admitted.set_exception(error)

    def _refuse_all(self, error: AssistantError) -> None:
        for choice in {waiter.choice for waiter in self._waiting}:
            self._refuse(choice, error)
