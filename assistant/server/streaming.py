"""From pieces of text to the bytes of a response, whole or as server-sent events."""

import json
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any, Protocol

from fastapi.responses import JSONResponse, Response, StreamingResponse

from assistant.server.answers import Answer
from assistant.server.refusals import refusal_of
from assistant.server.serving import Counts, Piece


class Shape(Protocol):
    """How one kind of answer is written as JSON."""

    def whole(self, text: str, finish: str) -> dict[str, Any]:
        """The answer in one object."""

    def opening(self) -> list[dict[str, Any]]:
        """What is sent before the first piece."""

    def piece(self, text: str, finish: str | None) -> dict[str, Any]:
        """One piece of a streamed answer."""

    def closing(self) -> dict[str, Any]:
        """The object without choices that carries the usage."""


async def respond(answer: Answer, shape: Shape, *, stream: bool, usage: bool) -> Response:
    """The response to a request: the whole answer, or a stream of its pieces.

    A stream's status is sent with its first piece, so that a request that cannot be answered
    is refused with the right one. `usage` adds the counts to a stream; a whole answer has them.
    """
    try:
        if not stream:
            return JSONResponse(await _collect(answer, shape))
        first = await anext(answer, None)
    except BaseException:
        answer.close()
        raise
    events = _events(first, answer, shape, usage)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _collect(answer: Answer, shape: Shape) -> dict[str, Any]:
    text, finish, usage = "", "stop", None
    async for chunk in answer:
        text += chunk.text
        finish = chunk.finish or finish
        usage = chunk.usage or usage
    answer.close()
    return shape.whole(text, finish) | {"usage": usage_json(usage)}


async def _events(
    first: Piece | None, answer: Answer, shape: Shape, with_usage: bool
) -> AsyncIterator[str]:
    # Every object but the last has `usage: null` when the last one carries it.
    extra: dict[str, Any] = {"usage": None} if with_usage else {}
    usage = None
    try:
        for message in shape.opening():
            yield event(message | extra)
        chunk = first
        while chunk is not None:
            if chunk.text:
                yield event(shape.piece(chunk.text, None) | extra)
            if chunk.finish is not None:
                yield event(shape.piece("", chunk.finish) | extra)
            usage = chunk.usage or usage
            chunk = await anext(answer, None)
        if with_usage:
            yield event(shape.closing() | {"usage": usage_json(usage)})
        yield "data: [DONE]\n\n"
    except Exception as error:  # the status is sent already: the error becomes an event
        yield event(refusal_of(error).body())
    finally:
        answer.close()


def event(message: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(message, separators=(',', ':'))}\n\n"


def usage_json(usage: Counts | None) -> dict[str, Any] | None:
    """The counts of tokens as OpenAI's API names them."""
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def head(prefix: str, kind: str, model: str) -> dict[str, Any]:
    """The fields that all objects of one answer share."""
    created = int(time.time())
    return {
        "id": f"{prefix}-{uuid.uuid4().hex}",
        "object": kind,
        "created": created,
        "model": model,
    }
