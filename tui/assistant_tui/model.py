"""The model behind the interface: loaded in the background, so that nobody waits before asking."""

import asyncio
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from assistant.errors import AssistantError
from assistant.paths import adapters_dir

if TYPE_CHECKING:
    from assistant.client import ModelCard, ModelClient, Pace
    from assistant.config import Settings

Phase = Literal["loading", "ready", "failed"]
Loaded: TypeAlias = "tuple[ModelClient, ModelCard]"


@dataclass(frozen=True, slots=True)
class ModelState:
    """What is known of the model, in a few words for the user."""

    phase: Phase
    line: str


class Model:
    """One client, and the card of its model once that is loaded. For one event loop."""

    def __init__(self, settings: "Settings", on_state: Callable[[ModelState], None]) -> None:
        """`on_state` is told whenever something changes, in the event loop."""
        self._settings = settings
        self._on_state = on_state
        self._client: ModelClient | None = None
        self._loading: asyncio.Task[Loaded] | None = None

    def begin(self) -> None:
        """Start or find a server in the background; what goes wrong is told as a state."""
        if self._loading is None or self._failed:
            self._become(asyncio.create_task(self._load()))

    async def loaded(self) -> Loaded:
        """The model, however long it takes; tried again where it failed. Raises AssistantError."""
        self.begin()
        assert self._loading is not None
        # Whoever gives up waiting doesn't end the loading.
        client, card = await asyncio.shield(self._loading)
        return client, card

    async def use(self, name: str) -> None:
        """Ask another model from now on, `NAME` or `NAME:ADAPTER`, which is loaded first.

        Who asks something meanwhile waits for it. Raises AssistantError when it cannot be had; the
        one before is asked then, if there was one.
        """
        self.begin()
        assert self._loading is not None
        problems: list[AssistantError] = []
        self._become(asyncio.create_task(self._switch(self._loading, name, problems.append)))
        await self.loaded()
        if problems:
            raise problems[0]

    async def follow(self, settings: "Settings") -> None:
        """Ask for the model of other settings from now on. Raises AssistantError."""
        await self.aclose()
        self._settings, self._client = settings, None
        self._become(asyncio.create_task(self._load()))
        await self.loaded()

    async def unload(self) -> None:
        """Free the memory of the model; the next question loads it again. Raises AssistantError."""
        client, _ = await self.loaded()
        await client.unload()

    @property
    def paces(self) -> "Mapping[str, Pace]":
        """How fast the last answer of each model came, by its name."""
        return self._client.paces if self._client is not None else {}

    @property
    def at_hand(self) -> "Loaded | None":
        """It if it is loaded now."""
        task = self._loading
        return task.result() if task is not None and task.done() and not self._failed else None

    async def awaited(self) -> "Loaded | None":
        """It if it is loaded now, for who asked for nothing and waits for nothing."""
        return self.at_hand

    async def start_again(self) -> None:
        """Load it anew, as its server has gone; how that goes is told as a state."""
        if self._loading is not None and self._loading.done():
            self._loading = None
        self.begin()

    async def aclose(self) -> None:
        """Let go of the model; its server goes on for others."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait([self._loading])
        if self._client is not None:
            await self._client.aclose()

    @property
    def _failed(self) -> bool:
        task = self._loading
        return task is not None and task.done() and (task.cancelled() or bool(task.exception()))

    def _become(self, loading: asyncio.Task[Loaded]) -> None:
        self._loading = loading
        loading.add_done_callback(_looked_at)

    async def _load(self) -> Loaded:
        from assistant.client import ModelClient

        self._tell("loading", f"looking for {self._settings.model}")
        # The package takes a second to import, which the loop would spend blocked.
        await asyncio.to_thread(importlib.import_module, "openai")
        try:
            if self._client is None:
                self._client = ModelClient(self._settings)
            card = await self._client.ready(lambda line: self._tell("loading", line))
        except AssistantError as error:
            self._tell("failed", str(error))
            raise
        self._tell("ready", _line(card))
        return self._client, card

    async def _switch(
        self, former: asyncio.Task[Loaded], name: str, on_problem: Callable[[AssistantError], None]
    ) -> Loaded:
        self._tell("loading", f"loading {name}")
        try:
            client, card = await former
        except AssistantError:
            return await self._load_instead(name)
        try:
            card = await client.use(name)
        except AssistantError as error:
            on_problem(error)
        self._tell("ready", _line(card))
        return client, card

    async def _load_instead(self, name: str) -> Loaded:
        """Have a server begin with this model, where it failed with that of the settings."""
        if not self._settings.server_url:
            base, _, adapter = name.partition(":")
            folder = str(adapters_dir() / adapter) if adapter else None
            own = {"model": base, "adapter": folder}
            self._settings, self._client = self._settings.model_copy(update=own), None
        return await self._load()

    def _tell(self, phase: Phase, line: str) -> None:
        self._on_state(ModelState(phase, line))


def _line(card: "ModelCard") -> str:
    return f"{card.base_name} with {card.adapter}" if card.adapter else card.name


def _looked_at(task: asyncio.Task[Loaded]) -> None:
    """Its error was told as a state; without this, asyncio would print it."""
    if not task.cancelled():
        task.exception()
