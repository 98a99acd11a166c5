"""ShareGPT: `{"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}]}`."""

from collections.abc import Iterator, Mapping
from typing import Any

from assistant.messages import Message, Role
from assistant_finetune.data.examples import Chat
from assistant_finetune.data.forms.fields import (
    FormError,
    called,
    chat,
    list_in,
    role_named,
    text_in,
    weight_in,
)
from assistant_finetune.data.origin import Origin

LISTS = ("conversations", "conversation", "items")
_ROLES: dict[str, Role] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
    "system": "system",
}


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like it."""
    if any(isinstance(record.get(name), str) and name != "items" for name in LISTS):
        return "messages" not in record
    return any(_speaks(record.get(name)) for name in LISTS)


def read(record: Mapping[str, Any], origin: Origin) -> Iterator[Chat]:
    """The conversation, as it stands: `cleaning` mends it. Raises FormError."""
    turns = list_in(record, next((name for name in LISTS if name in record), LISTS[0]))
    messages, weights = list[Message](), list[float | None]()
    system = record.get("system")
    if isinstance(system, str) and system.strip():
        messages.append(Message("system", text_in(record, "system")))
        weights.append(None)
    elif system is not None and not isinstance(system, str):
        raise FormError(f"system is {called(system)}, not a text")
    for number, turn in enumerate(turns, start=1):
        role = role_named(_ROLES, turn.get("from", turn.get("role")), number)
        try:
            text = text_in(turn, "value", "content", "text")
        except FormError as error:
            raise FormError(f"message {number}: {error}") from error
        if role == "system" and messages and messages[0].role != "system":
            raise FormError(f"message {number} is a system message, which may only stand first")
        messages.append(Message(role, text))
        weights.append(weight_in(turn, number))
    yield chat(messages, origin, weights)


def _speaks(value: object) -> bool:
    """Whether a list is one of turns; a broken one is told from others by its name alone."""
    if not isinstance(value, list):
        return False
    return not value or not isinstance(value[0], dict) or "from" in value[0] or "value" in value[0]
