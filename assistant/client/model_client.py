"""A front end's way to a model: one class, whatever server is behind it."""

import asyncio
import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Any

from assistant.client import filling, wire
from assistant.client.answer import AnswerStream, Pieces
from assistant.client.connection import (
    Connection,
    ModelCard,
    card_of,
    connect_own,
    list_models,
)
from assistant.client.failures import as_server_error, gone, is_gone
from assistant.client.foreign import connect_foreign
from assistant.client.pace import Pace, Stopwatch
from assistant.client.record import ModelChoice
from assistant.client.starting import SERVE_COMMAND, Finder, Progress
from assistant.errors import AssistantError, ServerError
from assistant.messages import CompletionRequest, Conversation, SamplingParams
from assistant.prompts.tokenizer import well_formed

if TYPE_CHECKING:
    import openai

    from assistant.config import Settings

Ask = Callable[[Connection], Pieces]
"""Sends a request."""


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
        self._chosen: ModelCard | None = None
        """What requests ask for that name no model; None for the settings' model."""
        self.paces: dict[str, Pace] = {}
        """How fast the last answer of each model came, by the name that it was asked by."""
        self._connecting = asyncio.Lock()
        self._listeners: list[Progress] = []
        self._line = ""

    async def ready(self, on_progress: Progress | None = None) -> ModelCard:
        """Make sure that a server runs and its model is loaded; what it is.

        `on_progress` gets a line for people whenever something changes on the way.
        """
        return (await self._connect(on_progress)).card

    def stream_complete(
        self, request: CompletionRequest, params: SamplingParams, *, restart: bool = True
    ) -> AnswerStream:
        """The text at a cursor, in pieces.

        Where this machine's server has gone it is started again, which takes a while, or, without
        `restart`, ServerGoneError is raised at once.
        """
        return AnswerStream(self._answer(_completion(request, params), restart=restart))

    def stream_chat(
        self, conversation: Conversation, params: SamplingParams, *, model: str = ""
    ) -> AnswerStream:
        """The assistant's next answer, in pieces.

        `model` is the name of another one of the server's models, with an adapter or without.
        """
        other = {"model": model} if model else {}

        def ask(to: Connection) -> Pieces:
            return wire.chat(to, conversation, params, **other)

        return AnswerStream(self._answer(ask, model=model))

    async def models(self) -> list[ModelCard]:
        """What the server offers: the settings' model first, each followed by its adapters."""
        for last in (False, True):
            connection = await self._connect()
            try:
                return [card_of(entry) for entry in await list_models(connection.openai)]
            except _openai().APIError as error:
                await self._recover(connection, error, final=last)
        return []

    async def use(self, name: str, on_progress: Progress | None = None) -> ModelCard:
        """Let requests that name no model ask for this one of `models`, and have it loaded.

        Raises ServerError; all is as it was then.
        """
        connection = await self._connect(on_progress)
        if not connection.own:
            return await self._use_elsewhere(name)
        await self._tell_server("/models/load", {"model": name})
        # Only now is all of it known: a model that was never loaded has an unread vocabulary.
        self._chosen = next(card for card in await self.models() if card.name == name)
        (await self._connect()).card = self._chosen
        return self._chosen

    async def unload(self) -> None:
        """Free the memory of the model that this machine's server holds. Raises ServerError.

        The next request loads the one that it asks for.
        """
        if not (await self._connect()).own:
            raise ServerError(f"{self._settings.server_url} keeps its models itself")
        await self._tell_server("/models/unload", {})

    async def _tell_server(self, path: str, body: dict[str, str]) -> None:
        connection = await self._connect()
        client: Any = connection.openai
        try:
            await client.post(connection.root + path, cast_to=object, body=body)
        except _openai().APIError as error:
            raise as_server_error(error, None) from error

    async def _use_elsewhere(self, name: str) -> ModelCard:
        """Another model of the server that the settings name, which may be asked in other ways."""
        if name not in [card.name for card in await self.models()]:
            raise ServerError(
                f"{self._settings.server_url} has no model {name}: without `server_url` in the"
                " settings, those of this machine are asked"
            )
        await self.aclose()
        self._settings = self._settings.model_copy(update={"model": name})
        return await self.ready()

    async def complete(self, request: CompletionRequest, params: SamplingParams) -> str:
        """The text at a cursor."""
        return "".join([text async for text in self.stream_complete(request, params)])

    async def chat(self, conversation: Conversation, params: SamplingParams) -> str:
        """The assistant's next answer."""
        return "".join([text async for text in self.stream_chat(conversation, params)])

    async def aclose(self) -> None:
        """Close the connection. The server goes on: others may be using it."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.openai.close()

    async def _answer(self, ask: Ask, *, restart: bool = True, model: str = "") -> Pieces:
        for last in (False, True):
            connection = self._connection or await self._connect()
            seen, watch = False, Stopwatch()
            try:
                async with aclosing(ask(connection)) as pieces:
                    async for piece in pieces:
                        seen = True
                        watch.sees(piece)
                        yield piece
                if watch.pace is not None:
                    self.paces[model or connection.card.full_name] = watch.pace
                return
            except _openai().APIError as error:
                await self._recover(connection, error, final=seen or last)
                if not restart:
                    raise gone() from error

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
                    raise as_server_error(error, self._settings.server_url) from error
                assert self._connection is not None
                return self._connection

    async def _connect_own(self) -> None:
        self._line = ""
        record = await self._finder.find(self._tell)
        if self._connection is None or self._connection.record != record:
            await self.aclose()
            self._connection = await connect_own(record)
            if self._chosen is not None:
                self._connection.card = self._chosen

    async def _recover(
        self, connection: Connection, error: "openai.APIError", *, final: bool
    ) -> None:
        """Prepare another attempt, or raise ServerError."""
        if not final and connection.own and is_gone(error):
            if self._connection is connection:
                await self.aclose()
            return
        raise as_server_error(error, None if connection.own else connection.url) from error

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
    def ask(connection: Connection) -> Pieces:
        if not connection.own:
            return filling.complete(connection, request, params)
        extra: dict[str, Any] = {"language": request.language, "path": request.path}
        if request.context:
            extra["project"] = request.project
            extra["context"] = [
                {"path": well_formed(piece.path), "text": well_formed(piece.text)}
                for piece in request.context
            ]
        suffix = {"suffix": well_formed(request.suffix)} if request.suffix else {}
        return wire.completions(connection, request.prefix, params, **extra, **suffix)

    return ask


def _openai() -> Any:
    """The package, which is loaded when there is a connection and not before."""
    return importlib.import_module("openai")
