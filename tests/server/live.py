"""A real server on a real socket, in a thread of the test's process."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import openai

from assistant import __version__, paths
from assistant.client.record import ModelChoice, ServerRecord
from assistant.config import Settings
from assistant.server.activity import Activity
from assistant.server.app import Service
from assistant.server.engines import Loader
from assistant.server.host import ModelHost
from assistant.server.life import Life
from assistant.server.limits import Limits
from assistant.server.run import listen

TOKEN = "the-token-of-this-test"
SECONDS = 30.0
"""After which what a test waits for will not come any more."""


class Watched(Activity):
    """Lets a test wait for requests to come and go."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = threading.Condition()

    @contextmanager
    def request(self) -> Iterator[None]:
        try:
            with super().request():
                self._tell()
                yield
        finally:
            self._tell()

    def wait_for(self, requests: int) -> None:
        """Wait until so many requests are running; blocking."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.running == requests, SECONDS)

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()


@dataclass(frozen=True)
class Live:
    """The server's address, and what is behind it."""

    url: str
    service: Service
    activity: Watched

    def client(self, token: str = TOKEN) -> openai.OpenAI:
        """The official client."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=token, max_retries=0)

    def async_client(self) -> openai.AsyncOpenAI:
        """The official asynchronous client."""
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key=TOKEN, max_retries=0)

    def http(self, method: str, path: str, **options: Any) -> Any:
        """A plain request with the token."""
        headers = {"Authorization": f"Bearer {TOKEN}", **options.pop("headers", {})}
        with openai.DefaultHttpxClient(trust_env=False) as http:
            return http.request(method, f"{self.url}{path}", headers=headers, **options)

    def health(self) -> dict[str, Any]:
        """What it says of itself."""
        with openai.DefaultHttpxClient(trust_env=False) as http:
            said: dict[str, Any] = http.get(f"{self.url}/health").json()
            return said

    def health_or_none(self) -> dict[str, Any] | None:
        """What it says of itself, or None where it closes the connection."""
        try:
            return self.health()
        except httpx.TransportError:
            return None

    def publish(self, settings: Settings) -> None:
        """Let clients with these settings find it."""
        choice = ModelChoice.of(settings)
        paths.write_atomically(paths.token_file(), TOKEN, mode=0o600)
        ServerRecord(self.url, os.getpid(), __version__, choice, by_front_end=False).write()


@contextmanager
def live(
    loader: Loader,
    model: str = "scripted",
    *,
    limits: Limits | None = None,
    until_loaded: bool = True,
) -> Iterator[Live]:
    """Serve `model`, which is loaded by `loader`."""
    choice = ModelChoice.of(Settings(model=model))
    limits = limits or Limits(grace_seconds=0)
    # As one that a front end started, so that it stays when its model cannot be loaded.
    activity = Watched()
    service = Service(ModelHost(choice, loader), limits, activity)
    life = Life(service, 0, lambda _: None, by_front_end=True)
    server = life.server(TOKEN)
    listening = listen(0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    thread = threading.Thread(target=life.run, args=(server, listening))
    thread.start()
    try:
        running = Live(url, service, activity)
        while until_loaded and service.host.state.status == "loading":
            time.sleep(0.005)
        yield running
    finally:
        server.should_exit = True
        thread.join()
