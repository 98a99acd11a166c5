"""Conversations as Markdown for people, and in ShareGPT's form for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from assistant.history.chat_rows import Attachment, Chat, Turn
from assistant.history.turn_tree import TurnTree
from assistant.messages import Conversation, Message, Role

_NAMES = {"user": "You", "assistant": "Assistant"}
_FROM = {"system": "system", "user": "human", "assistant": "gpt"}


def spoken(turns: Iterable[Turn], system: str = "") -> list[tuple[Role, str, tuple[Turn, ...]]]:
    """What models read of a branch: questions and answers in turns, none of them empty.

    A question that was never answered goes together with the one after it.
    """
    found: list[tuple[Role, str, tuple[Turn, ...]]] = [("system", system, ())] if system else []
    for turn in turns:
        if turn.speaker == "assistant" and not turn.text.strip():
            continue
        role, text, before = found[-1] if found else ("system", "", ())
        if role == turn.speaker:
            found[-1] = (role, f"{text}\n\n{turn.content}", (*before, turn))
        else:
            found.append((turn.speaker, turn.content, (turn,)))
    return found


def conversation(turns: Iterable[Turn], system: str = "") -> Conversation:
    """A branch as it is sent. Raises PromptError where nothing is said in it."""
    return Conversation(tuple(Message(role, text) for role, text, _ in spoken(turns, system)))


def as_sharegpt(chat: Chat, turns: Sequence[Turn]) -> dict[str, Any]:
    """One branch. Answers that were rated say how much they are to count: 1, or 0."""
    said = []
    for role, text, of in spoken(turns, chat.system):
        one: dict[str, Any] = {"from": _FROM[role], "value": text}
        thumbs = {turn.thumb for turn in of if turn.speaker == "assistant"} - {""}
        if thumbs:
            one["weight"] = 0 if "down" in thumbs else 1
        said.append(one)
    return {"id": chat.id, "conversations": said}


def as_markdown(chat: Chat, turns: Sequence[Turn]) -> str:
    """One branch, with what was attached below the question."""
    parts = [f"# {chat.title}"]
    if chat.system:
        parts.append("\n".join(f"> {line}".rstrip() for line in chat.system.splitlines()))
    for turn in turns:
        name = _NAMES[turn.speaker]
        parts.append(f"## {name} ({turn.model})" if turn.model else f"## {name}")
        parts.append(turn.text.strip("\n"))
        parts += [one.block() for one in turn.attachments]
    return "\n\n".join(parts) + "\n"


def as_fields(chat: Chat, tree: TurnTree) -> dict[str, Any]:
    """All that is kept of a conversation, with all of its branches, as JSON writes it."""
    return {
        "id": chat.id,
        "changed": chat.changed.isoformat(),
        "title": chat.title,
        "system": chat.system,
        "model": chat.model,
        "turns": [_fields(turn) for turn in tree.turns],
    }


def lines(chats: Iterable[tuple[Chat, TurnTree]]) -> Iterable[str]:
    """One line of ShareGPT's JSON for the branch of each that was shown last."""
    for chat, tree in chats:
        record = as_sharegpt(chat, tree.path(chat.leaf))
        yield json.dumps(record, ensure_ascii=False) + "\n"


def _fields(turn: Turn) -> dict[str, Any]:
    def attached(one: Attachment) -> dict[str, str]:
        return {"path": one.path, "text": one.text}

    return {
        "id": turn.id,
        "parent": turn.parent,
        "time": turn.time.isoformat(),
        "speaker": turn.speaker,
        "text": turn.text,
        "model": turn.model,
        "ended": turn.end,
        "thumb": turn.thumb,
        "attachments": [attached(one) for one in turn.attachments],
    }
