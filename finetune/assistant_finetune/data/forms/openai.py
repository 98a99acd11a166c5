"""OpenAI's messages, the form that this project keeps its conversations in, too.

`{"messages": [{"role": "user", "content": ...}, {"role": "assistant", "content": ...}]}`; a message
may have a `weight`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from assistant.messages import Message, Role
from assistant.prompts.tokenizer import well_formed
from assistant_finetune.data.examples import Chat
from assistant_finetune.data.forms.fields import (
    FormError,
    called,
    chat,
    list_in,
    role_named,
    weight_in,
)
from assistant_finetune.data.origin import Origin

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_TOOLS = ("tool_calls", "function_call")


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like it."""
    return "messages" in record


def read(record: Mapping[str, Any], origin: Origin) -> Iterator[Chat]:
    """The conversation. Raises FormError."""
    messages, weights = list[Message](), list[float | None]()
    for number, entry in enumerate(list_in(record, "messages"), start=1):
        if entry.get("role") in ("tool", "function") or any(entry.get(name) for name in _TOOLS):
            raise FormError(f"message {number} calls a tool, which no format here can say")
        role = role_named(_ROLES, entry.get("role"), number)
        messages.append(Message(role, _content(entry.get("content"), number)))
        weights.append(weight_in(entry, number))
    yield chat(messages, origin, weights)


def _content(value: object, number: int) -> str:
    if isinstance(value, str):
        return well_formed(value)
    if not isinstance(value, list):
        raise FormError(f"message {number}: content is {called(value)}, not a text")
    parts = []
    for part in value:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            raise FormError(f"message {number} has a part that is no text")
        parts.append(well_formed(part["text"]))
    return "".join(parts)
