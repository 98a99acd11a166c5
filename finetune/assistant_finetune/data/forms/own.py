"""The form of this project's data folders: conversations as OpenAI's messages, and three more.

`{"text": ...}`, `{"prefix": ..., "middle": ..., "suffix": ...}` and `{"task": ..., "text": ...,
"answer": ...}`. What is written here is read again as it was.
"""

from collections.abc import Mapping
from typing import Any

from assistant.messages import CompletionRequest
from assistant.prompts import Task
from assistant_finetune.data.examples import Asked, Chat, Document, Example, Hole
from assistant_finetune.data.forms import openai
from assistant_finetune.data.forms.fields import FormError, optional_text, text_in
from assistant_finetune.data.origin import Origin

_TASKS = {task.name.lower(): task for task in Task}


def fits(record: Mapping[str, Any]) -> bool:
    """Whether a record looks like it."""
    return "messages" in record or "text" in record or "middle" in record


def read(record: Mapping[str, Any], origin: Origin) -> Example:
    """The example. Raises FormError."""
    origin = _origin(record.get("origin"), origin)
    if "messages" in record:
        return next(openai.read(record, origin))
    if "middle" in record:
        return _hole(record, origin)
    if "task" in record:
        return _asked(record, origin)
    text = text_in(record, "text")
    if not text.strip():
        raise FormError("the text is empty")
    path, language = optional_text(record, "path"), optional_text(record, "language")
    return Document(text, origin, path, language)


def fields(example: Example) -> dict[str, Any]:
    """The example as JSON has it."""
    match example:
        case Chat():
            found: dict[str, Any] = {"messages": _messages(example)}
        case Document():
            found = _filled(text=example.text, path=example.path, language=example.language)
        case Hole():
            asked = example.request
            found = {"prefix": asked.prefix, "middle": example.middle, "suffix": asked.suffix}
            found |= _filled(path=asked.path, language=asked.language)
        case Asked():
            found = {"task": example.task.name.lower(), "text": example.text}
            found |= {"answer": example.answer} | _filled(language=example.language)
    origin = example.origin
    place = {"source": origin.source, "line": origin.line}
    return {**found, "origin": place | _filled(part=origin.part)}


def _messages(example: Chat) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [
        {"role": message.role, "content": message.content}
        for message in example.conversation.messages
    ]
    for message, weight in zip(messages, example.weights, strict=bool(example.weights)):
        message["weight"] = weight
    return messages


def _hole(record: Mapping[str, Any], origin: Origin) -> Hole:
    middle = text_in(record, "middle")
    if not middle:
        raise FormError("the middle is empty")
    request = CompletionRequest(
        text_in(record, "prefix"),
        optional_text(record, "suffix"),
        optional_text(record, "language"),
        optional_text(record, "path"),
    )
    return Hole(request, middle, origin)


def _asked(record: Mapping[str, Any], origin: Origin) -> Asked:
    task = _TASKS.get(text_in(record, "task"))
    if task is None:
        raise FormError(f"the task is none of {', '.join(_TASKS)}")
    answer = text_in(record, "answer")
    if not answer.strip():
        raise FormError("the answer is empty")
    language = optional_text(record, "language")
    return Asked(task, text_in(record, "text"), answer, origin, language)


def _origin(value: object, origin: Origin) -> Origin:
    """Where the example came from at first, if the record says so."""
    if not isinstance(value, dict) or not isinstance(value.get("source"), str):
        return origin
    line, part = value.get("line"), value.get("part")
    return Origin(
        value["source"],
        line if isinstance(line, int) else 0,
        part if isinstance(part, str) else "",
    )


def _filled(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
