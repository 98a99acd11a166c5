"""A branch of a conversation as a file: Markdown for people, ShareGPT's JSON to train on."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from assistant.errors import UsageError
from assistant.history import Chat, Turn
from assistant.history.chat_export import as_markdown, as_sharegpt
from assistant.paths import write_atomically

_UNFIT = re.compile(r"[^\w.-]+")


def suggested(chat: Chat) -> str:
    """A name for the file of a conversation."""
    return f"~/{_UNFIT.sub('-', chat.title).strip('-.')[:40] or 'conversation'}.md"


def export(chat: Chat, turns: Sequence[Turn], name: str) -> Path:
    """Write a new file in the form that its name says; its path.

    Raises UsageError where there is such a file, or it cannot be written.
    """
    path = Path(name).expanduser().absolute()
    if path.suffix not in (".md", ".json"):
        raise UsageError(f"{path.name}: end the name in .md for Markdown or .json for ShareGPT")
    if path.exists():
        raise UsageError(f"{path} is there already: choose another name")
    if path.suffix == ".md":
        text = as_markdown(chat, turns)
    else:
        text = json.dumps([as_sharegpt(chat, turns)], ensure_ascii=False, indent=2) + "\n"
    try:
        write_atomically(path, text, mode=0o600)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
    return path
