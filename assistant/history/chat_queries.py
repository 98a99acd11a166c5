"""What is asked of the tables of conversations."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from assistant.history.chat_rows import Attachment, Chat, ChatChoice, Turn
from assistant.history.queries import forget_texts, sound, stored, text_id

_CHAT = "chats.id, title, system, model, leaf, changed"
_TURN = "id, parent, speaker, text, model, ended, thumb, time"


def prepare(connection: sqlite3.Connection) -> None:
    """SQLite's own `lower` knows ASCII alone."""
    connection.create_function("folded", 1, str.casefold, deterministic=True)


def save(connection: sqlite3.Connection, chat: Chat) -> None:
    """Write what a conversation is, apart from its turns; it may be new."""
    connection.execute(
        "INSERT INTO chats VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (id) DO UPDATE SET"
        " title = excluded.title, system = excluded.system, model = excluded.model,"
        " leaf = excluded.leaf, changed = excluded.changed",
        (
            chat.id,
            sound(chat.title),
            sound(chat.system),
            sound(chat.model),
            chat.leaf,
            stored(chat.changed),
        ),
    )


def add(connection: sqlite3.Connection, chat: Chat, turn: Turn) -> None:
    """Write a turn, and that the conversation is at it now."""
    save(connection, chat)
    connection.execute(
        f"INSERT INTO turns (chat, {_TURN}) VALUES ({', '.join('?' * 9)})",
        (
            chat.id,
            turn.id,
            turn.parent,
            turn.speaker,
            sound(turn.text),
            sound(turn.model),
            turn.end,
            turn.thumb,
            stored(turn.time),
        ),
    )
    connection.executemany(
        "INSERT INTO attachments VALUES (?, ?, ?, ?)",
        [
            (turn.id, number, sound(one.path), text_id(connection, one.text))
            for number, one in enumerate(turn.attachments)
        ],
    )
    connection.execute("UPDATE chats SET leaf = ? WHERE id = ?", (turn.id, chat.id))


def change(connection: sqlite3.Connection, turn: Turn) -> bool:
    """Write a turn's text, its end and its rating anew; returns whether there is such a turn."""
    changed = connection.execute(
        "UPDATE turns SET text = ?, ended = ?, thumb = ? WHERE id = ?",
        (sound(turn.text), turn.end, turn.thumb, turn.id),
    )
    return changed.rowcount > 0


def read(connection: sqlite3.Connection, choice: ChatChoice, limit: int | None) -> Iterator[Chat]:
    """The conversations that are meant, the one that was changed last first."""
    condition, values = _condition(choice)
    query = (
        f"SELECT {_CHAT} FROM chats WHERE thrown IS NULL AND {condition}"
        " ORDER BY changed DESC, rowid DESC LIMIT ?"
    )
    for row in connection.execute(query, (*values, -1 if limit is None else limit)):
        key, title, system, model, leaf, changed = row
        yield Chat(title, system, model, leaf, datetime.fromisoformat(changed), key)


def turns(connection: sqlite3.Connection, chat: str) -> Iterator[Turn]:
    """The turns of a conversation, in the order in which they came."""
    attached = defaultdict(list)
    for turn, path, text in connection.execute(
        "SELECT attachments.turn, path, texts.text FROM attachments"
        " JOIN texts ON texts.id = attachments.text JOIN turns ON turns.id = attachments.turn"
        " WHERE chat = ? ORDER BY attachments.number",
        (chat,),
    ):
        attached[turn].append(Attachment(path, text))
    query = f"SELECT {_TURN} FROM turns WHERE chat = ? ORDER BY number"
    for key, parent, speaker, text, model, end, thumb, time in connection.execute(query, (chat,)):
        yield Turn(
            speaker,
            text,
            parent,
            tuple(attached[key]),
            model,
            end,
            thumb,
            datetime.fromisoformat(time),
            key,
        )


def throw(connection: sqlite3.Connection, chat: str, when: datetime | None) -> None:
    """Throw a conversation away, or bring it back."""
    value = None if when is None else stored(when)
    connection.execute("UPDATE chats SET thrown = ? WHERE id = ?", (value, chat))


def thrown(connection: sqlite3.Connection, before: datetime) -> list[str]:
    """The conversations that were thrown away before then."""
    query = "SELECT id FROM chats WHERE thrown IS NOT NULL AND thrown < ?"
    return [key for (key,) in connection.execute(query, (stored(before),))]


def count(connection: sqlite3.Connection, choice: ChatChoice) -> int:
    """How many conversations are meant, those that were thrown away included."""
    condition, values = _condition(choice)
    return int(
        connection.execute(f"SELECT count(*) FROM chats WHERE {condition}", values).fetchone()[0]
    )


def matching(connection: sqlite3.Connection, beginning: str) -> list[str]:
    """The ids with a beginning."""
    query = "SELECT id FROM chats WHERE substr(id, 1, ?) = ?"
    return [key for (key,) in connection.execute(query, (len(beginning), beginning))]


def delete(connection: sqlite3.Connection, choice: ChatChoice) -> int:
    """Delete conversations with all of their turns and drafts; returns how many."""
    condition, values = _condition(choice)
    deleted = connection.execute(f"DELETE FROM chats WHERE {condition}", values).rowcount
    connection.execute("DELETE FROM drafts WHERE chat != '' AND chat NOT IN (SELECT id FROM chats)")
    forget_texts(connection)
    return deleted


def draft(connection: sqlite3.Connection, chat: str, turn: str) -> str:
    """What was typed there and not sent."""
    query = "SELECT text FROM drafts WHERE chat = ? AND turn = ?"
    found = connection.execute(query, (chat, turn)).fetchone()
    return str(found[0]) if found else ""


def keep_draft(connection: sqlite3.Connection, chat: str, turn: str, text: str) -> None:
    """Keep what was typed; an empty text is no draft."""
    if text:
        row = (chat, turn, sound(text))
        connection.execute("INSERT OR REPLACE INTO drafts VALUES (?, ?, ?)", row)
    else:
        connection.execute("DELETE FROM drafts WHERE chat = ? AND turn = ?", (chat, turn))


def _condition(choice: ChatChoice) -> tuple[str, list[str | int]]:
    conditions, values = ["1"], list[str | int]()

    def want(condition: str, *given: str | int) -> None:
        conditions.append(condition)
        values.extend(given)

    if choice.ids:
        want(f"chats.id IN ({', '.join('?' * len(choice.ids))})", *choice.ids)
    for word in choice.words:
        folded = sound(word).casefold()
        want(
            "(instr(folded(title), ?) OR EXISTS (SELECT 1 FROM turns"
            " WHERE turns.chat = chats.id AND instr(folded(turns.text), ?)))",
            folded,
            folded,
        )
    if choice.path is not None:
        path = str(choice.path)
        below = path.rstrip("/") + "/"
        want(
            "EXISTS (SELECT 1 FROM attachments JOIN turns ON turns.id = attachments.turn"
            " WHERE turns.chat = chats.id AND (path = ? OR substr(path, 1, ?) = ?))",
            path,
            len(below),
            below,
        )
    if choice.since is not None:
        want("changed >= ?", stored(choice.since))
    if choice.before is not None:
        want("changed < ?", stored(choice.before))
    return " AND ".join(conditions), values
