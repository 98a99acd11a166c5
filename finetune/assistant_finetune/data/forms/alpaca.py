"""Alpaca: `{"instruction": ..., "input": ..., "output": ...}`, and pairs of prompt and answer."""

from collections.abc import Iterator, Mapping
from typing import Any

from assistant.messages import Message
from assistant_finetune.data.examples import Chat
from assistant_finetune.data.forms.fields import FormError, chat, optional_text, text_in
from assistant_finetune.data.origin import Origin

_QUESTIONS = ("instruction", "prompt")
_ANSWERS = ("output", "completion", "response")


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like it."""
    prompt = any(isinstance(record.get(name), str | None) for name in _QUESTIONS if name in record)
    return "instruction" in record or (prompt and any(name in record for name in _ANSWERS))


def read(record: Mapping[str, Any], origin: Origin) -> Iterator[Chat]:
    """The instruction with its input as a question, and the answer. Raises FormError."""
    question = text_in(record, *_QUESTIONS)
    extra = optional_text(record, "input")
    if extra.strip() and extra.strip() != "<noinput>":
        question = f"{question}\n\n{extra}" if question.strip() else extra
    if not question.strip():
        raise FormError("the instruction is empty")
    system = optional_text(record, "system")
    first = [Message("system", system)] if system.strip() else []
    answer = text_in(record, *_ANSWERS)
    yield chat([*first, Message("user", question), Message("assistant", answer)], origin)
