"""The life of a server: alone, found by its file, ended by a signal or when it idles."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import uvicorn
from filelock import FileLock, Timeout

from assistant import __version__, paths
from assistant.client.record import FRONT_END_VARIABLE, ModelChoice, ServerRecord, read_record
from assistant.config import Settings
from assistant.errors import ServerError
from assistant.server.answers import Answers, EngineThread
from assistant.server.app import create_app
from assistant.server.loading import loader_of
from assistant.server.security import ensure_token
from assistant.server.serving import Activity, Loader, ModelSlot, State

HOST = "127.0.0.1"
FAILURE_TOLD_SECONDS = 10.0
"""How long a server without a model stays, at most, so that a front end can ask it why."""
_GRACE_SECONDS = 1
"""How long clients have to take the last of their answers when the server ends."""
_KEEP_ALIVE_SECONDS = 60
"""Longer than clients keep an idle connection, so that none is closed as it is used again."""

Announce = Callable[[str], None]


def serve(
    settings: Settings,
    *,
    port: int = 0,
    idle_minutes: float | None,
    announce: Announce,
    load: Loader | None = None,
) -> None:
    """Serve the model of `settings` until the process is told to end, or idles for too long.

    There is one server for each user: if another is running, says so and returns. Port 0 takes a
    free one. `idle_minutes` None or 0 means: stay. `load` is what loads the model, if not the
    engine. A server that a front end started stays for `FAILURE_TOLD_SECONDS` when its model
    cannot be loaded, or until it has told a client why; then that error is raised.
    """
    paths.state_dir().mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(paths.server_lock(), blocking=False):
            _serve_alone(settings, port, idle_minutes, announce, load)
    except Timeout:
        running = read_record()
        which = (
            f" at {running.url}/v1, with {running.choice.model} (process {running.pid})"
            if running
            else ""
        )
        announce(f"a model server is already running{which}")


def _serve_alone(
    settings: Settings,
    port: int,
    idle_minutes: float | None,
    announce: Announce,
    load: Loader | None,
) -> None:
    choice = ModelChoice.of(settings)
    listening = listen(port)
    by_front_end = FRONT_END_VARIABLE in os.environ
    url = f"http://{HOST}:{listening.getsockname()[1]}"
    record = ServerRecord(url, os.getpid(), __version__, choice, by_front_end)
    life = _Life(
        slot=ModelSlot(settings.model),
        idle_seconds=(idle_minutes or 0) * 60,
        announce=announce,
        tell_failure=by_front_end,
    )
    server = life.server(ensure_token())
    with _ended_by_signals(server):
        try:
            record.write()
            announce(f"listening at {url}/v1, {life.slot.state.detail}")
            life.run(server, listening, load or loader_of(choice))
        finally:
            record.remove()
    if not life.thread.wait_idle(_GRACE_SECONDS):
        # Python would pull the interpreter from under a thread that is deep in native code, and
        # that can crash. Nothing is left to do, so leave without waiting for it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    if life.slot.state.error is not None:
        raise life.slot.state.error


def listen(port: int) -> socket.socket:
    """A socket on loopback. Raises ServerError when the port cannot be had."""
    # With its protocol named: asyncio sends small packets at once only on sockets that are known
    # to be TCP, and without that each piece of an answer may wait for 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise ServerError(
            f"port {port} cannot be used ({error.strerror}): choose another with --port"
        ) from error
    # From here on clients can connect; they are answered as soon as the application runs.
    listening.listen()
    return listening


class _Server(uvicorn.Server):
    """uvicorn, with the answers that are being generated ended first."""

    def __init__(self, config: uvicorn.Config, answers: Answers) -> None:
        super().__init__(config)
        self._answers = answers

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._answers.end()
        await super().shutdown(sockets)


@dataclass
class _Life:
    """What happens while the server runs: the model is loaded, time passes, it ends."""

    slot: ModelSlot
    idle_seconds: float
    announce: Announce
    tell_failure: bool
    thread: EngineThread = field(default_factory=EngineThread)
    activity: Activity = field(default_factory=Activity)
    failure_told: asyncio.Event = field(default_factory=asyncio.Event)

    def server(self, token: str) -> _Server:
        """The web server of this life."""
        answers = Answers(self.thread)
        app = create_app(
            self.slot,
            token=token,
            answers=answers,
            activity=self.activity,
            on_failure_told=self.failure_told.set,
        )
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            log_level=logging.WARNING,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        return _Server(config, answers)

    def run(self, server: _Server, listening: socket.socket, load: Loader) -> None:
        """Serve until something ends the server."""
        asyncio.run(self._run(server, listening, load))

    async def _run(self, server: _Server, listening: socket.socket, load: Loader) -> None:
        loop = asyncio.get_running_loop()
        loaded: asyncio.Future[State] = loop.create_future()

        def job() -> None:
            state = self.slot.fill(load)
            with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(loaded.set_result, state)

        self.thread.submit(job)
        watching = asyncio.create_task(self._end_in_time(server, loaded))
        await server.serve(sockets=[listening])
        watching.cancel()

    async def _end_in_time(self, server: _Server, loaded: "asyncio.Future[State]") -> None:
        """End the server when there is nothing to serve, or nobody to serve it to."""
        state = await loaded
        if state.status == "failed":
            if self.tell_failure:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.failure_told.wait(), FAILURE_TOLD_SECONDS)
            server.should_exit = True
            return
        self.announce(f"ready: {state.detail}")
        self.activity.touch()
        while self.idle_seconds:
            left = self.idle_seconds - self.activity.idle_seconds()
            if left <= 0:
                self.announce(f"ending after {self.idle_seconds / 60:g} minutes without a request")
                server.should_exit = True
                return
            await asyncio.sleep(left)


@contextlib.contextmanager
def _ended_by_signals(server: _Server) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the server in good order, and the process with code 0.

    uvicorn takes the first two itself while it runs, and raises them again when it is done: then
    they find these handlers, not the ones that would end the process with an error.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_signal: int, _frame: object) -> None:
        server.should_exit = True

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
