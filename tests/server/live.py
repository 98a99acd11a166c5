"""A real server on a real socket, in a thread of the test's process."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import openai
import uvicorn

from assistant import __version__, paths
from assistant.client.record import ModelChoice, ServerRecord
from assistant.config import Settings
from assistant.server.answers import Answers, EngineThread
from assistant.server.app import create_app
from assistant.server.run import listen
from assistant.server.serving import Activity, ModelSlot

TOKEN = "the-token-of-this-test"


@dataclass(frozen=True)
class Live:
    """The server's address, and its model's place."""

    url: str
    slot: ModelSlot

    def client(self, token: str = TOKEN) -> openai.OpenAI:
        """The official client."""
        return openai.OpenAI(base_url=f"{self.url}/v1", api_key=token, max_retries=0)

    def async_client(self) -> openai.AsyncOpenAI:
        """The official asynchronous client."""
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key=TOKEN, max_retries=0)

    def publish(self, settings: Settings) -> None:
        """Let clients with these settings find it."""
        choice = ModelChoice.of(settings)
        paths.write_atomically(paths.token_file(), TOKEN, mode=0o600)
        ServerRecord(self.url, os.getpid(), __version__, choice, by_front_end=False).write()


@contextmanager
def live(slot: ModelSlot) -> Iterator[Live]:
    """Serve the model in `slot`."""
    answers = Answers(EngineThread())
    app = create_app(slot, token=TOKEN, answers=answers, activity=Activity())
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listening = listen(0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Live(f"http://127.0.0.1:{listening.getsockname()[1]}", slot)
    finally:
        answers.end()
        server.should_exit = True
        thread.join()
