"""What happens while a server runs: its model is loaded, time passes, it ends."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import uvicorn

from assistant.server.answers import Answers
from assistant.server.app import Service, create_app
from assistant.server.connections import bounded_protocol
from assistant.server.host import State

FAILURE_TOLD_SECONDS = 10.0
"""How long a server without a model stays, at most, so that a front end can ask it why."""
_LAST_SECONDS = 1
"""How long clients have to take the last of their answers when the server ends."""
_KEEP_ALIVE_SECONDS = 60
"""Longer than clients keep an idle connection, so that none is closed as it is used again."""
_LOOK_SECONDS = 0.1

Announce = Callable[[str], None]


class GracefulServer(uvicorn.Server):
    """uvicorn, with the answers that are being generated ended first."""

    def __init__(
        self, config: uvicorn.Config, answers: Answers, on_ending: Callable[[], None]
    ) -> None:
        """`on_ending` is called when nothing new is begun any more."""
        super().__init__(config)
        self._answers = answers
        self._on_ending = on_ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let answers end, or end them; then close what is open. A second SIGINT hurries it."""
        self._on_ending()
        ending = asyncio.create_task(self._answers.end())
        while not ending.done():
            await asyncio.wait({ending}, timeout=_LOOK_SECONDS)
            if self.force_exit:
                self._answers.cancel()
        await super().shutdown(sockets)


@dataclass
class Life:
    """One server from its start to its end."""

    service: Service
    idle_seconds: float
    """After so long without a request it ends, or frees its model's memory; 0 for never."""
    announce: Announce
    by_front_end: bool = False
    """Whether nobody started it by hand."""
    on_ending: Callable[[], None] = lambda: None
    """Called when nothing new is begun any more."""
    ended_well: bool = True
    """Whether nothing was left running at its end."""
    _failure_told: asyncio.Event = field(default_factory=asyncio.Event)

    def server(self, token: str) -> GracefulServer:
        """The web server of this life."""
        app = create_app(self.service, token=token, on_failure_told=self._failure_told.set)
        config = uvicorn.Config(
            app,
            http=bounded_protocol(self.service.limits),
            access_log=False,
            log_config=None,
            log_level=logging.WARNING,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_LAST_SECONDS,
        )
        return GracefulServer(config, self.service.answers, self.on_ending)

    def run(self, server: uvicorn.Server, listening: socket.socket) -> None:
        """Serve until something ends the server."""
        asyncio.run(self._run(server, listening))

    async def _run(self, server: uvicorn.Server, listening: socket.socket) -> None:
        loading = asyncio.create_task(self.service.host.start())
        watching = asyncio.create_task(self._watch(server, loading))
        await server.serve(sockets=[listening])
        watching.cancel()
        self.ended_well = await self.service.host.end(_LAST_SECONDS)

    async def _watch(self, server: uvicorn.Server, loading: "asyncio.Task[State]") -> None:
        """Say what becomes of the model, and end a server that has nothing or nobody to serve."""
        state = await loading
        if state.status == "failed":
            if self.by_front_end:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._failure_told.wait(), FAILURE_TOLD_SECONDS)
            server.should_exit = True
            return
        self.announce(f"ready: {state.detail}")
        if self.idle_seconds:
            await self._watch_idleness(server)

    async def _watch_idleness(self, server: uvicorn.Server) -> None:
        activity, host = self.service.activity, self.service.host
        activity.touch()
        while True:
            left = self.idle_seconds - activity.idle_seconds()
            if left > 0:
                await asyncio.sleep(left)
            elif self.by_front_end:
                self.announce(f"ending {self._after}")
                server.should_exit = True
                return
            else:
                name = host.model
                if await host.unload():
                    self.announce(f"freed the memory of {name} {self._after}")
                await asyncio.sleep(self.idle_seconds)

    @property
    def _after(self) -> str:
        return f"after {self.idle_seconds / 60:g} minutes without a request"
