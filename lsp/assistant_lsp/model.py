"""The model behind the editor: loaded in the background, so that typing never waits for it."""

import asyncio
import gc
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from assistant.errors import AssistantError
from assistant_lsp.messages import Messages
from assistant_lsp.progress import Progresses

if TYPE_CHECKING:
    from assistant.client import ModelCard, ModelClient

State = Literal["idle", "loading", "ready", "failed"]
_RETRY_SECONDS = 30.0
"""After a failure, keystrokes don't start a server again for so long; commands do at once."""


class Model:
    """One client and the card of its model, once that is loaded."""

    def __init__(
        self, progresses: Progresses, messages: Messages, on_state: Callable[[State], None]
    ) -> None:
        """`on_state` is told whenever the state changes."""
        self.state: State = "idle"
        self._on_state = on_state
        self.chosen = asyncio.Event()
        """Set once the editor has said its settings, and so which model to load first."""
        self._progresses = progresses
        self._messages = messages
        self._name: str | None = None
        self._ready: tuple[ModelClient, ModelCard] | None = None
        self._loading: asyncio.Task[tuple[ModelClient, ModelCard]] | None = None
        self._failed_at: float | None = None

    async def use(self, name: str | None) -> None:
        """Change to the model `name`; None is the one of the user's `config.toml`."""
        if name != self._name:
            self._name = name
            if self.chosen.is_set():
                await self.aclose()

    def at_hand(self) -> "tuple[ModelClient, ModelCard] | None":
        """The model if it is loaded; otherwise loading begins, and the caller does without."""
        if self._ready is None and self._loading is None and not self._just_failed():
            self._loading = asyncio.ensure_future(self._load())
            self._loading.add_done_callback(self._background_ended)
        return self._ready

    async def awaited(self) -> "tuple[ModelClient, ModelCard] | None":
        """The model, when it is loaded; None if that fails, which is told to the user."""
        self.at_hand()
        if self._ready is None and self._loading is not None:
            await asyncio.wait([self._loading])  # ending the wait doesn't end the loading
        return self._ready

    async def start_again(self) -> None:
        """Load it anew, with progress for the user to see: its server has gone."""
        if self._ready is not None:
            await self.aclose()
            self.at_hand()

    async def loaded(self) -> "tuple[ModelClient, ModelCard]":
        """The model, however long it takes. Raises AssistantError."""
        if self._ready is not None:
            return self._ready
        if self._loading is None:
            self._loading = asyncio.ensure_future(self._load())
        # Whoever gives up waiting doesn't end the loading: others may wait for it too.
        return await asyncio.shield(self._loading)

    async def aclose(self) -> None:
        """Let go of the model; the server keeps it for others."""
        self._failed_at = None
        if (loading := self._loading) is not None:
            loading.cancel()
            await asyncio.wait([loading])
        if self._ready is not None:
            (client, _), self._ready = self._ready, None
            await client.aclose()
        self._become("idle")

    async def _load(self) -> "tuple[ModelClient, ModelCard]":
        """Raises AssistantError."""
        self._become("loading")
        try:
            await self.chosen.wait()
            client, title = self._client()
            try:
                async with self._progresses.show(title, cancellable=False) as progress:
                    self._ready = client, await client.ready(progress.report)
            except BaseException:
                await client.aclose()
                raise
        except Exception:
            self._failed_at = time.monotonic()
            self._become("failed")
            raise
        finally:
            self._loading = None
        self._failed_at = None
        # What is imported by now stays. Python would look through it for garbage once in a while,
        # and an edit that comes then would wait for some tenths of a second.
        gc.freeze()
        self._become("ready")
        self._messages.recovered()
        return self._ready

    def _client(self) -> "tuple[ModelClient, str]":
        """A client, and what its loading is called."""
        from assistant.client import ModelClient
        from assistant.config import load_settings

        settings = load_settings()
        if self._name is not None:
            settings = settings.model_copy(update={"model": self._name})
        return ModelClient(settings), f"loading {settings.model} …"

    def _become(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._on_state(state)

    def _just_failed(self) -> bool:
        return self._failed_at is not None and time.monotonic() - self._failed_at < _RETRY_SECONDS

    def _background_ended(self, loading: "asyncio.Task[tuple[ModelClient, ModelCard]]") -> None:
        if not loading.cancelled() and (error := loading.exception()) is not None:
            self._messages.trouble(_told(error))


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, AssistantError) else type(error).__name__
