"""An answer on its way: asked for, told as it comes, and written twice a second."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from assistant.errors import AssistantError, ServerError, UsageError
from assistant.history import Chat, HistoryError, Turn
from assistant.messages import Conversation, SamplingParams
from assistant_tui.chat.archive import Archive
from assistant_tui.model import Model

if TYPE_CHECKING:
    from assistant.client import AnswerStream

_KEEP_SECONDS = 0.4
_MOST_TOKENS = 2048
_TEMPERATURE = 0.7


class Answering:
    """One answer. `turn` is it as far as it has come."""

    def __init__(self, archive: Archive, model: Model, chat: Chat, question: Turn) -> None:
        self.chat = chat
        self.turn = Turn("assistant", "", question.id, model=chat.model, end="writing")
        self.problem = ""
        """Why it broke off, in a line for the user."""
        self._archive = archive
        self._model = model
        self._kept = ""
        self._task: asyncio.Task[Any] | None = None
        self._stopped = False
        self.ended = asyncio.Event()

    def stop(self) -> None:
        """End it here; what has come is kept."""
        if not self._stopped:  # a second time would end the writing of it
            self._stopped = True
            if self._task is not None:
                self._task.cancel()

    async def run(self, conversation: Conversation, on_text: Callable[[str], None]) -> None:
        """Ask, and write what comes.

        `on_text` is told each piece. What goes wrong becomes the `problem`.
        """
        keeping = asyncio.create_task(self._keep())
        self._task = asyncio.current_task()
        try:
            if not self._stopped:
                await self._ask(conversation, on_text)
        except asyncio.CancelledError:
            self.turn = replace(self.turn, end="stopped")
        except AssistantError as error:
            self.problem = str(error)
            self.turn = replace(self.turn, end="broken")
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
            await self._write()
            self.ended.set()

    async def _ask(self, conversation: Conversation, on_text: Callable[[str], None]) -> None:
        client, card = await self._model.loaded()
        if not self.chat.model and not card.chat:
            raise UsageError(f"{card.name} only completes text: choose a chat model (Ctrl+T)")
        self.turn = replace(self.turn, model=self.chat.model or card.full_name)
        params = SamplingParams(max_tokens=_MOST_TOKENS, temperature=_TEMPERATURE)
        stream = client.stream_chat(conversation, params, model=self.chat.model)
        async with aclosing(stream):
            async for piece in stream:
                self.turn = replace(self.turn, text=self.turn.text + piece)
                on_text(piece)
        self._finish(stream)

    def _finish(self, stream: "AnswerStream") -> None:
        if not self.turn.text.strip():
            raise ServerError(f"{self.turn.model} answered nothing: ask again, or say more")
        self.turn = replace(self.turn, end="length" if stream.finish == "length" else "done")

    async def _keep(self) -> None:
        """Write what has come since, again and again, also while the model is silent."""
        while True:
            await asyncio.sleep(_KEEP_SECONDS)
            if self.turn.text != self._kept:
                await self._write()

    async def _write(self) -> None:
        turn = self.turn
        if not turn.text:
            return
        try:
            await self._archive.answer(self.chat, turn)
            self._kept = turn.text
        except HistoryError as error:
            self.problem = self.problem or f"the answer is not kept: {error}"
