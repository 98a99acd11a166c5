"""Reading the fields of records, with reasons in words for what is wrong."""

from collections.abc import Mapping
from typing import Any

from assistant.errors import PromptError
from assistant.messages import Conversation, Message, Role
from assistant.prompts.tokenizer import well_formed
from assistant_finetune.data.examples import Chat
from assistant_finetune.data.origin import Origin


class FormError(Exception):
    """Why a record cannot be used, in words and without the user's text."""


def text_in(record: Mapping[str, Any], *names: str) -> str:
    """The text under the first of these names that is there. Raises FormError."""
    for name in names:
        if name in record:
            value = record[name]
            if not isinstance(value, str):
                raise FormError(f"{name} is {called(value)}, not a text")
            return well_formed(value)
    raise FormError(f"it has no {' or '.join(names)}")


def optional_text(record: Mapping[str, Any], name: str) -> str:
    """The text under a name; empty where it is missing or null. Raises FormError."""
    return "" if record.get(name) is None else text_in(record, name)


def list_in(record: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects in the list under a name. Raises FormError."""
    value = record.get(name)
    if not isinstance(value, list):
        raise FormError(f"{name} is {called(value)}, not a list")
    if not value:
        raise FormError(f"{name} is empty")
    for number, item in enumerate(value, start=1):
        if not isinstance(item, dict):
            raise FormError(f"message {number} is {called(item)}, not an object")
    return value


def weight_in(message: Mapping[str, Any], number: int) -> float | None:
    """How much a message counts, where it says so. Raises FormError."""
    value = message.get("weight")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1000:
        raise FormError(f"message {number}: its weight is no number from 0 to 1000")
    return float(value)


def chat(
    messages: list[Message], origin: Origin, weights: list[float | None] | None = None
) -> Chat:
    """A conversation that was read. Raises FormError where it is none, or has no answer."""
    try:
        conversation = Conversation(tuple(messages))
    except PromptError as error:
        raise FormError(str(error).partition(": ")[2]) from error
    if not any(message.role == "assistant" for message in messages):
        raise FormError("it has no answer of the assistant's")
    if not any(m.content.strip() for m in messages if m.role == "assistant"):
        raise FormError("all its answers are empty")
    given = weights or []
    if all(weight is None for weight in given):
        return Chat(conversation, origin)
    usual = (float(message.role == "assistant") for message in messages)
    pairs = zip(given, usual, strict=True)
    return Chat(conversation, origin, tuple(u if w is None else w for w, u in pairs))


def role_named(names: Mapping[str, Role], name: object, number: int) -> Role:
    """The role that a name stands for. Raises FormError."""
    if not isinstance(name, str) or name.lower() not in names:
        said = f"{name[:40]!r}" if isinstance(name, str) else called(name)
        raise FormError(f"message {number} is by {said}, which is nobody known here")
    return names[name.lower()]


def called(value: object) -> str:
    """What JSON calls a value of this type."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    if value is None:
        return "null"
    return names.get(type(value), "a number" if isinstance(value, int | float) else "binary data")
