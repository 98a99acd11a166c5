"""The record of conversations, in the same file as that of suggestions."""

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from assistant.history import chat_queries
from assistant.history.chat_rows import EVERY_CHAT, Chat, ChatChoice, Turn
from assistant.history.database import Database
from assistant.history.turn_tree import TurnTree


class Chats(Database):
    """Conversations and their turns."""

    def ask(self, chat: Chat, turn: Turn, *, draft: tuple[str, str] | None = None) -> None:
        """Write a question before it is sent, with its conversation, which may be new.

        `draft` names the draft that it came from, which is one no longer.
        """

        def write(connection: sqlite3.Connection) -> None:
            chat_queries.add(connection, chat, turn)
            if draft is not None:
                chat_queries.keep_draft(connection, *draft, "")

        self._write(write)

    def answer(self, chat: str, turn: Turn) -> None:
        """Write the answer of a turn as far as it has come, new or grown.

        Nothing is written to a conversation that was deleted meanwhile.
        """

        def write(connection: sqlite3.Connection) -> None:
            if not chat_queries.change(connection, turn):
                for found in chat_queries.read(connection, ChatChoice(ids=(chat,)), None):
                    chat_queries.add(connection, found, turn)

        self._write(write)

    def rate(self, turn: Turn) -> None:
        """Write what the user thinks of an answer."""
        self._write(lambda connection: chat_queries.change(connection, turn))

    def save(self, chat: Chat) -> None:
        """Write the title, the system text, the model and the branch that is shown."""
        self._write(lambda connection: chat_queries.save(connection, chat))

    def find(self, choice: ChatChoice = EVERY_CHAT, *, limit: int | None = None) -> list[Chat]:
        """The conversations that are meant, the newest first; not those thrown away."""
        if not self.file.exists():
            return []
        with self._errors():
            return list(chat_queries.read(self._ready(), choice, limit))

    def tree(self, chat: str) -> TurnTree:
        """All the turns of a conversation."""
        if not self.file.exists():
            return TurnTree()
        with self._errors():
            return TurnTree(chat_queries.turns(self._opened(), chat))

    def export(self, choice: ChatChoice = EVERY_CHAT) -> Iterator[tuple[Chat, TurnTree]]:
        """The conversations that are meant with their turns, the oldest first."""
        for chat in reversed(self.find(choice)):
            yield chat, self.tree(chat.id)

    def throw(self, chat: str, when: datetime | None) -> None:
        """Throw a conversation away; without a time, bring it back."""
        self._write(lambda connection: chat_queries.throw(connection, chat, when))

    def empty_trash(self, before: datetime) -> int:
        """Delete for good what was thrown away before then; returns how many."""
        if not self.file.exists():
            return 0
        with self._errors():
            keys = chat_queries.thrown(self._opened(), before)
        return self.delete(ChatChoice(ids=tuple(keys))) if keys else 0

    def count(self, choice: ChatChoice = EVERY_CHAT) -> int:
        """How many conversations are meant, those thrown away included."""
        if not self.file.exists():
            return 0
        with self._errors():
            return chat_queries.count(self._ready(), choice)

    def matching(self, beginning: str) -> list[str]:
        """The ids that begin so."""
        if not self.file.exists():
            return []
        with self._errors():
            return chat_queries.matching(self._opened(), beginning)

    def delete(self, choice: ChatChoice) -> int:
        """Delete conversations so that nothing of them stays in the file; returns how many."""
        if not self.file.exists():
            return 0
        self._ready()
        deleted = self._write(lambda connection: chat_queries.delete(connection, choice))
        self._empty_log()
        return deleted

    def draft(self, chat: str, turn: str = "") -> str:
        """What was typed and not sent: in a conversation, or, of no name, in a new one.

        `turn` is the question that was being edited, if any.
        """
        if not self.file.exists():
            return ""
        with self._errors():
            return chat_queries.draft(self._opened(), chat, turn)

    def keep_draft(self, chat: str, turn: str, text: str) -> None:
        """Keep what was typed; an empty text is no draft."""
        self._write(lambda connection: chat_queries.keep_draft(connection, chat, turn, text))

    def _ready(self) -> sqlite3.Connection:
        """The connection, with what looking for words needs."""
        connection = self._opened()
        chat_queries.prepare(connection)
        return connection
