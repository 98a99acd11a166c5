"""A front end's way to a model: one class, whatever server is behind it."""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from assistant.client.connection import Connection, ModelCard, connect_foreign, connect_own
from assistant.client.record import ModelChoice
from assistant.client.starting import SERVE_COMMAND, Finder, Progress
from assistant.errors import AssistantError, ServerError
from assistant.messages import CompletionRequest, Conversation, SamplingParams
from assistant.prompts.tokenizer import well_formed

if TYPE_CHECKING:
    import openai

    from assistant.config import Settings

Ask = Callable[[Connection, bool], Awaitable[Any]]
"""Sends a request; the flag asks for a stream."""
TextOf = Callable[[Any], str | None]
"""The text in one choice of an answer, or of a piece of it."""

_GONE_STATUSES = (401, 404, 503)
"""What a server says that is not, or not yet, the one that this client knew."""


class ModelClient:
    """Finds or starts the model server, and talks to it. One for each process and event loop.

    Every method makes itself ready first, and raises ServerError when there is no answer to be
    had. A server that has died, or ended because it was idle, is started again, and a request of
    which nothing was seen yet is repeated once.

    Ending a request early, by closing its iterator (`contextlib.aclosing`) or cancelling the
    task that waits for it, ends the generation too.
    """

    def __init__(self, settings: "Settings", *, command: Sequence[str] = SERVE_COMMAND) -> None:
        """`command` starts a server where none is running."""
        self._settings = settings
        self._finder = Finder(ModelChoice.of(settings), settings.idle_minutes, command)
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._listeners: list[Progress] = []
        self._line = ""

    async def ready(self, on_progress: Progress | None = None) -> ModelCard:
        """Make sure that a server runs and its model is loaded; what it is.

        `on_progress` gets a line for people whenever something changes on the way.
        """
        return (await self._connect(on_progress)).card

    def stream_complete(
        self, request: CompletionRequest, params: SamplingParams
    ) -> AsyncGenerator[str, None]:
        """The text at a cursor, in pieces."""
        return self._stream(_completion(request, params), lambda choice: choice.text)

    def stream_chat(
        self, conversation: Conversation, params: SamplingParams
    ) -> AsyncGenerator[str, None]:
        """The assistant's next answer, in pieces."""
        return self._stream(_chat(conversation, params), lambda choice: choice.delta.content)

    async def complete(self, request: CompletionRequest, params: SamplingParams) -> str:
        """The text at a cursor."""
        return await self._whole(_completion(request, params), lambda choice: choice.text)

    async def chat(self, conversation: Conversation, params: SamplingParams) -> str:
        """The assistant's next answer."""
        return await self._whole(_chat(conversation, params), lambda choice: choice.message.content)

    async def aclose(self) -> None:
        """Close the connection. The server goes on: others may be using it."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.openai.close()

    async def _stream(self, ask: Ask, text_of: TextOf) -> AsyncGenerator[str, None]:
        for last in (False, True):
            connection = self._connection or await self._connect()
            seen = False
            try:
                async with await ask(connection, True) as stream:
                    async for piece in stream:
                        for choice in piece.choices:
                            if text := text_of(choice):
                                seen = True
                                yield text
                return
            except _openai().APIError as error:
                await self._recover(connection, error, final=seen or last)

    async def _whole(self, ask: Ask, text_of: TextOf) -> str:
        for last in (False, True):
            connection = self._connection or await self._connect()
            try:
                answer = await ask(connection, False)
                return text_of(answer.choices[0]) or ""
            except _openai().APIError as error:
                await self._recover(connection, error, final=last)
        raise AssertionError("the last attempt returns or raises")

    async def _connect(self, on_progress: Progress | None = None) -> Connection:
        """The connection, checked anew. Those who ask at the same time share one start."""
        with self._listening(on_progress):
            async with self._connecting:
                try:
                    if self._settings.server_url:
                        self._connection = self._connection or await connect_foreign(self._settings)
                    else:
                        await self._connect_own()
                except AssistantError:
                    raise
                except _openai().APIError as error:
                    raise _as_server_error(error, self._settings.server_url) from error
                assert self._connection is not None
                return self._connection

    async def _connect_own(self) -> None:
        self._line = ""
        record = await self._finder.find(self._tell)
        if self._connection is None or self._connection.record != record:
            await self.aclose()
            self._connection = await connect_own(record)

    async def _recover(
        self, connection: Connection, error: "openai.APIError", *, final: bool
    ) -> None:
        """Prepare another attempt, or raise ServerError."""
        if not final and connection.own and _is_gone(error):
            if self._connection is connection:
                await self.aclose()
            return
        if not final and connection.sends_suffix and _refuses_suffix(connection, error):
            connection.sends_suffix = False
            return
        raise _as_server_error(error, None if connection.own else connection.url) from error

    @contextmanager
    def _listening(self, on_progress: Progress | None) -> Iterator[None]:
        if on_progress is None:
            yield
            return
        if self._connecting.locked() and self._line:
            on_progress(self._line)
        self._listeners.append(on_progress)
        try:
            yield
        finally:
            self._listeners.remove(on_progress)

    def _tell(self, line: str) -> None:
        self._line = line
        for listener in list(self._listeners):
            listener(line)


def _completion(request: CompletionRequest, params: SamplingParams) -> Ask:
    def ask(connection: Connection, stream: bool) -> Awaitable[Any]:
        options = _options(connection, params, stream)
        if request.suffix and connection.sends_suffix:
            options["suffix"] = well_formed(request.suffix)
        if connection.own:
            # Only this machine's own server knows these; another may refuse them.
            options["extra_body"] = {"language": request.language, "path": request.path}
        prompt = well_formed(request.prefix)
        answer: Awaitable[Any] = connection.openai.completions.create(prompt=prompt, **options)
        return answer

    return ask


def _chat(conversation: Conversation, params: SamplingParams) -> Ask:
    messages: list[Any] = [
        {"role": message.role, "content": well_formed(message.content)}
        for message in conversation.messages
    ]

    def ask(connection: Connection, stream: bool) -> Awaitable[Any]:
        options = _options(connection, params, stream)
        answer: Awaitable[Any] = connection.openai.chat.completions.create(
            messages=messages, **options
        )
        return answer

    return ask


def _options(connection: Connection, params: SamplingParams, stream: bool) -> dict[str, Any]:
    options: dict[str, Any] = {
        "model": connection.card.name,
        "max_tokens": params.max_tokens,
        "temperature": params.temperature,
        "top_p": params.top_p,
        "stream": stream,
    }
    if params.stop:
        options["stop"] = list(params.stop)
    if params.seed is not None:
        options["seed"] = params.seed
    return options


def _openai() -> Any:
    """The package, which is loaded when there is a connection and not before."""
    return importlib.import_module("openai")


def _is_gone(error: "openai.APIError") -> bool:
    """Whether the server has died, or is ending, or is not the one that was known."""
    if isinstance(error, _openai().APIConnectionError) or error.code == "server_ending":
        return True
    return getattr(error, "status_code", None) in _GONE_STATUSES


def _refuses_suffix(connection: Connection, error: "openai.APIError") -> bool:
    """Some servers only continue text: theirs is then a completion of the prefix alone."""
    refused = getattr(error, "status_code", None) in (400, 422)
    return not connection.own and refused and "suffix" in str(error)


def _as_server_error(error: "openai.APIError", foreign_url: str | None) -> ServerError:
    """What went wrong and what to do."""
    openai = _openai()
    where = f"the server at {foreign_url}" if foreign_url else "the model server"
    if isinstance(error, openai.APIConnectionError):
        message = f"{where} cannot be reached, or broke off: "
        if foreign_url:
            return ServerError(f"{message}is `server_url` in the settings right, and does it run?")
        return ServerError(f"{message}try again; `assistant doctor` looks for the reason")
    if isinstance(error, openai.AuthenticationError):
        advice = "set `api_key` in the settings" if foreign_url else "end it, and try again"
        return ServerError(f"{where} refuses the key: {advice}")
    if foreign_url and isinstance(error, openai.NotFoundError):
        advice = "`server_url` in the settings usually ends in /v1"
        return ServerError(
            f"{where} does not know what it is asked for ({error.message}): {advice}"
        )
    body = error.body if isinstance(error.body, dict) else {}
    return ServerError(str(body.get("message") or f"{where} failed: {error.message}"))
