"""Conversations on the command line: a table of them, and one as it was said."""

import json
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from assistant.history import ChatChoice, Chats


def listed(chats: "Chats", choice: "ChatChoice", limit: int, *, as_json: bool) -> None:
    """Print the conversations that are meant, the newest first."""
    from assistant.history.chat_export import as_fields

    found = chats.find(choice, limit=limit)
    if as_json:
        rows = [as_fields(chat, chats.tree(chat.id)) for chat in found]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    if not found:
        typer.echo("no such conversation is kept", err=True)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("id", "time", "turns", "branches"):
        table.add_column(heading, no_wrap=True)
    table.add_column("title", no_wrap=True, overflow="ellipsis")
    for chat in found:
        tree = chats.tree(chat.id)
        time = f"{chat.changed.astimezone():%m-%d %H:%M}"
        counts = (str(len(tree.turns)), str(len(tree.leaves)))
        table.add_row(*map(Text, (chat.id[:8], time, *counts, chat.title)))
    Console(highlight=False).print(table)


def shown(chats: "Chats", key: str, *, as_json: bool) -> None:
    """Print the branch that was shown last, or, as JSON, all of the conversation.

    Raises UsageError for one that was thrown away.
    """
    from assistant.errors import UsageError
    from assistant.history import ChatChoice
    from assistant.history.chat_export import as_fields, as_markdown

    found = chats.find(ChatChoice(ids=(key,)))
    if not found:
        raise UsageError(f"the conversation {key[:8]} was thrown away and is deleted soon")
    tree = chats.tree(key)
    if as_json:
        typer.echo(json.dumps(as_fields(found[0], tree), ensure_ascii=False, indent=2))
    else:
        typer.echo(as_markdown(found[0], tree.path(found[0].leaf)), nl=False)
