"""Conversations on the disk, for the event loop: one thread does all of it, in order."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from assistant.history import Chat, ChatChoice, Chats, DamagedHistoryError, Turn, TurnTree

Result = TypeVar("Result")

_TRASH_DAYS = 1
"""What was thrown away in a program that then died is deleted for good after so long."""


class Archive:
    """Methods raise HistoryError where the record cannot be used."""

    def __init__(self, on_trouble: Callable[[str], None]) -> None:
        """`on_trouble` is told in the thread of a record that was damaged, and begun anew."""
        self._chats = Chats()
        self._on_trouble = on_trouble
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="chats")
        self._thrown: list[str] = []
        self._closed = False

    async def find(self, words: str = "") -> list[Chat]:
        """The conversations that hold all of some words, the newest first."""
        choice = ChatChoice(words=tuple(words.split()))
        return await self._do(lambda: self._chats.find(choice))

    async def tree(self, chat: Chat) -> TurnTree:
        """All that was said in a conversation."""
        return await self._do(lambda: self._chats.tree(chat.id))

    async def ask(self, chat: Chat, question: Turn, draft: tuple[str, str]) -> None:
        """Write a question before it is sent; what it was typed as is no draft any more."""
        await self._do(lambda: self._chats.ask(chat, question, draft=draft))

    async def answer(self, chat: Chat, turn: Turn) -> None:
        """Write an answer as far as it is."""
        await self._do(lambda: self._chats.answer(chat.id, turn))

    async def rate(self, turn: Turn) -> None:
        """Write what the user thinks of an answer."""
        await self._do(lambda: self._chats.rate(turn))

    async def save(self, chat: Chat) -> None:
        """Write what a conversation is called, and how it goes on."""
        await self._do(lambda: self._chats.save(chat))

    async def draft(self, place: tuple[str, str]) -> str:
        """What was typed in a conversation, or in place of one of its turns, and not sent."""
        return await self._do(lambda: self._chats.draft(*place))

    async def keep_draft(self, place: tuple[str, str], text: str) -> None:
        """Keep what was typed."""
        await self._do(lambda: self._chats.keep_draft(*place, text))

    async def throw(self, chat: Chat) -> None:
        """Throw a conversation away, so that `bring_back` can undo it."""
        await self._do(lambda: self._chats.throw(chat.id, datetime.now(UTC)))
        self._thrown.append(chat.id)

    async def bring_back(self) -> str | None:
        """Bring the conversation back that was thrown away last; its id."""
        if not self._thrown:
            return None
        key = self._thrown[-1]
        await self._do(lambda: self._chats.throw(key, None))
        self._thrown.pop()
        return key

    async def forget_old(self) -> None:
        """Delete for good what was thrown away some time ago."""
        before = datetime.now(UTC) - timedelta(days=_TRASH_DAYS)
        await self._do(lambda: self._chats.empty_trash(before))

    async def forget_thrown(self) -> None:
        """Delete for good what was thrown away here."""
        keys, self._thrown = tuple(self._thrown), []
        if keys:
            await self._do(lambda: self._chats.delete(ChatChoice(ids=keys)))

    async def aclose(self) -> None:
        """Write all that is left, and let go of the file."""
        await self._off_loop(self._chats.close)
        self._closed = True
        self._disk.shutdown(wait=False)

    async def _do(self, work: Callable[[], Result]) -> Result:
        def twice() -> Result:
            try:
                return work()
            except DamagedHistoryError as error:
                self._on_trouble(str(error))
                return work()

        return await self._off_loop(twice)

    async def _off_loop(self, work: Callable[[], Result]) -> Result:
        if self._closed:  # the app has ended around who still wanted to look
            raise asyncio.CancelledError
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)
