"""What is asked of the record's tables."""

import hashlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

from assistant.history.rows import Choice, Fate, Suggestion

_HEAD_LINES = 64
"""The head of a prefix is a multiple of so many lines, and so the same while somebody types."""

_READ = """
SELECT suggestions.id, time, workspace, path, language, model, adapter, kind, heads.text, tail,
    suffixes.text, suggestions.text, outcome, accepted_characters, replaced_by, similarity
FROM suggestions
JOIN texts AS heads ON heads.id = head
JOIN texts AS suffixes ON suffixes.id = suffix
WHERE {condition} ORDER BY time {order}, suggestions.rowid {order} LIMIT ?
"""
_FORGET_TEXTS = """
DELETE FROM texts
WHERE NOT EXISTS (SELECT 1 FROM suggestions WHERE head = texts.id)
AND NOT EXISTS (SELECT 1 FROM suggestions WHERE suffix = texts.id)
AND NOT EXISTS (SELECT 1 FROM attachments WHERE attachments.text = texts.id)
"""


def add(connection: sqlite3.Connection, suggestion: Suggestion) -> None:
    """Write one row."""
    head, tail = _split(suggestion.prefix)
    fate = suggestion.fate
    connection.execute(
        f"INSERT INTO suggestions VALUES ({', '.join('?' * 16)})",
        (
            suggestion.id,
            stored(suggestion.time),
            sound(suggestion.workspace),
            sound(suggestion.path),
            sound(suggestion.language),
            sound(suggestion.model),
            None if suggestion.adapter is None else sound(suggestion.adapter),
            suggestion.kind,
            text_id(connection, head),
            sound(tail),
            text_id(connection, suggestion.suffix),
            sound(suggestion.text),
            *_values(fate),
        ),
    )


def settle(connection: sqlite3.Connection, key: str, fate: Fate) -> bool:
    """Change what is known of one row."""
    changed = connection.execute(
        "UPDATE suggestions SET outcome = ?, accepted_characters = ?, replaced_by = ?, "
        "similarity = ? WHERE id = ?",
        (*_values(fate), key),
    )
    return changed.rowcount > 0


def read(
    connection: sqlite3.Connection, choice: Choice, *, newest_first: bool, limit: int | None
) -> Iterator[Suggestion]:
    """The rows that are meant."""
    condition, values = _condition(choice)
    query = _READ.format(condition=condition, order="DESC" if newest_first else "ASC")
    for row in connection.execute(query, (*values, -1 if limit is None else limit)):
        key, time, workspace, path, language, model, adapter, kind, head, tail, *rest = row
        suffix, text, *fate = rest
        yield Suggestion(
            id=key,
            time=datetime.fromisoformat(time),
            workspace=workspace,
            path=path,
            language=language,
            model=model,
            adapter=adapter,
            kind=kind,
            prefix=head + tail,
            suffix=suffix,
            text=text,
            fate=Fate(*fate),
        )


def count(connection: sqlite3.Connection, choice: Choice) -> int:
    """How many rows are meant."""
    condition, values = _condition(choice)
    query = f"SELECT count(*) FROM suggestions WHERE {condition}"
    return int(connection.execute(query, values).fetchone()[0])


def matching(connection: sqlite3.Connection, beginning: str) -> list[str]:
    """The ids with a beginning."""
    query = "SELECT id FROM suggestions WHERE substr(id, 1, ?) = ?"
    return [key for (key,) in connection.execute(query, (len(beginning), beginning))]


def delete(connection: sqlite3.Connection, choice: Choice) -> int:
    """Delete the rows that are meant, and the texts that only they had; returns how many rows."""
    condition, values = _condition(choice)
    deleted = connection.execute(f"DELETE FROM suggestions WHERE {condition}", values).rowcount
    forget_texts(connection)
    return deleted


def forget_texts(connection: sqlite3.Connection) -> None:
    """Delete the texts that nothing has any more."""
    connection.execute(_FORGET_TEXTS)


def _condition(choice: Choice) -> tuple[str, list[str | int]]:
    conditions, values = ["1"], list[str | int]()

    def want(condition: str, *given: str | int) -> None:
        conditions.append(condition)
        values.extend(given)

    if choice.ids:
        want(f"suggestions.id IN ({', '.join('?' * len(choice.ids))})", *choice.ids)
    if choice.path is not None:
        path = str(choice.path)
        below = path.rstrip("/") + "/"
        want("(path = ? OR substr(path, 1, ?) = ?)", path, len(below), below)
    if choice.since is not None:
        want("time >= ?", stored(choice.since))
    if choice.before is not None:
        want("time < ?", stored(choice.before))
    if choice.outcome is not None:
        want("outcome = ?", choice.outcome)
    if choice.language is not None:
        want("language = ?", choice.language)
    return " AND ".join(conditions), values


def text_id(connection: sqlite3.Connection, text: str) -> int:
    """The number of a text that is stored once."""
    text = sound(text)
    digest = hashlib.sha256(text.encode()).digest()
    connection.execute("INSERT OR IGNORE INTO texts (digest, text) VALUES (?, ?)", (digest, text))
    found = connection.execute("SELECT id FROM texts WHERE digest = ?", (digest,)).fetchone()
    return int(found[0])


def _split(prefix: str) -> tuple[str, str]:
    lines = prefix.splitlines(keepends=True)
    size = len(lines) // _HEAD_LINES * _HEAD_LINES
    head = "".join(lines[:size])
    return head, prefix[len(head) :]


def _values(fate: Fate) -> tuple[str, int, str | None, float | None]:
    replaced = None if fate.replaced_by is None else sound(fate.replaced_by)
    return fate.outcome, fate.accepted_characters, replaced, fate.similarity


def stored(time: datetime) -> str:
    """A time in UTC and always as long, so that texts sort as times do."""
    return time.astimezone(UTC).isoformat(timespec="microseconds")


def sound(text: str) -> str:
    """Half a surrogate pair cannot be stored; no more than in the editor's own files."""
    return text.encode("utf-8", "replace").decode()
