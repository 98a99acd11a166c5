"""A server process: alone, found by its file, ended by a signal or when it idles."""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

import uvicorn
from filelock import FileLock, Timeout

from assistant import __version__, paths
from assistant.client.record import FRONT_END_VARIABLE, ModelChoice, ServerRecord, read_record
from assistant.config import Settings
from assistant.errors import ServerError
from assistant.server.app import Service
from assistant.server.engines import Loader
from assistant.server.host import ModelHost
from assistant.server.life import Announce, Life
from assistant.server.limits import GRACE_SECONDS, Limits
from assistant.server.loading import EngineLoader
from assistant.server.priority import stand_back
from assistant.server.security import ensure_token

HOST = "127.0.0.1"


def serve(
    settings: Settings,
    *,
    port: int = 0,
    idle_minutes: float | None,
    grace_seconds: float = GRACE_SECONDS,
    announce: Announce,
    loader: Loader | None = None,
) -> None:
    """Serve models, that of `settings` first, until the process is told to end.

    There is one server for each user: if another is running, says so and returns. Port 0 takes a
    free one. After `idle_minutes` without a request a server that a front end started ends, and
    one that was started by hand frees the memory of its model; None or 0 means never. Running
    answers get `grace_seconds` when the server is told to end. `loader` loads models, if not the
    engine's does.

    A server that a front end started stays for some seconds when its model cannot be loaded, or
    until it has told a client why; then that error is raised.
    """
    paths.state_dir().mkdir(parents=True, exist_ok=True, mode=0o700)
    limits = Limits(
        queue=settings.max_queue,
        answer_seconds=settings.request_minutes * 60,
        grace_seconds=grace_seconds,
    )
    try:
        with FileLock(paths.server_lock(), blocking=False):
            _serve_alone(
                settings,
                port,
                idle_minutes,
                limits,
                announce,
                loader or EngineLoader(settings.cache_gb),
            )
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
    limits: Limits,
    announce: Announce,
    loader: Loader,
) -> None:
    choice = ModelChoice.of(settings)
    listening = listen(port)
    by_front_end = FRONT_END_VARIABLE in os.environ
    if by_front_end:
        stand_back()
    url = f"http://{HOST}:{listening.getsockname()[1]}"
    record = ServerRecord(url, os.getpid(), __version__, choice, by_front_end)
    life = Life(
        service=Service(ModelHost(choice, loader), limits),
        idle_seconds=(idle_minutes or 0) * 60,
        announce=announce,
        by_front_end=by_front_end,
        # Nobody is to find a server that answers nothing new.
        on_ending=record.remove,
    )
    server = life.server(ensure_token())
    with _ended_by_signals(server):
        try:
            record.write()
            announce(f"listening at {url}/v1, {life.service.host.state.detail}")
            life.run(server, listening)
        finally:
            record.remove()
    if not life.ended_well:
        # Python would pull the interpreter from under a thread that is deep in native code, and
        # that can crash. Nothing is left to do, so leave without waiting for it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    if life.service.host.state.error is not None:
        raise life.service.host.state.error


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


@contextlib.contextmanager
def _ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
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
