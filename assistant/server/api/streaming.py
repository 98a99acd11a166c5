"""From the pieces of an answer to the bytes of a response, whole or as server-sent events."""

import json
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fastapi.responses import JSONResponse, Response, StreamingResponse

from assistant.engine.requests import Chunk, Finish, TokenLikelihood, Usage
from assistant.server.answers import Answer
from assistant.server.api.usage import usage_json
from assistant.server.refusals import refusal_of


@dataclass
class Choice:
    """One of the answers, as far as it has come."""

    number: int
    text: str = ""
    finish: Finish | None = None
    tokens: list[TokenLikelihood] = field(default_factory=list)

    def add(self, chunk: Chunk) -> None:
        """Take the next piece."""
        self.text += chunk.text
        self.tokens += chunk.tokens
        self.finish = chunk.finish or self.finish


class Shape(Protocol):
    """How one kind of answer is written as JSON."""

    def whole(self, choices: Sequence[Choice]) -> dict[str, Any]:
        """All answers in one object."""

    def opening(self, number: int) -> list[dict[str, Any]]:
        """What is sent before the first piece of the answer of that number."""

    def piece(self, number: int, chunk: Chunk) -> dict[str, Any]:
        """One piece of a streamed answer."""

    def ending(self, number: int, finish: Finish) -> dict[str, Any]:
        """How a streamed answer has ended."""

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
        answer.streamed = True
        first = await anext(answer)
    except BaseException:
        answer.close()
        raise
    events = _events(first, answer, shape, usage)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _collect(answer: Answer, shape: Shape) -> dict[str, Any]:
    choices = [Choice(number) for number in range(answer.question.count)]
    usages: list[Usage] = []
    async for number, chunk in answer:
        choices[number].add(chunk)
        if chunk.usage is not None:
            usages.append(chunk.usage)
    answer.close()
    return shape.whole(choices) | {"usage": usage_json(usages)}


async def _events(
    first: tuple[int, Chunk], answer: Answer, shape: Shape, with_usage: bool
) -> AsyncIterator[str]:
    # Every object but the last has `usage: null` when the last one carries it.
    extra: dict[str, Any] = {"usage": None} if with_usage else {}
    usages: list[Usage] = []
    try:
        for number in range(answer.question.count):
            for message in shape.opening(number):
                yield event(message | extra)
        piece: tuple[int, Chunk] | None = first
        while piece is not None:
            number, chunk = piece
            if chunk.text or chunk.tokens:
                yield event(shape.piece(number, chunk) | extra)
            if chunk.finish is not None:
                yield event(shape.ending(number, chunk.finish) | extra)
            if chunk.usage is not None:
                usages.append(chunk.usage)
            piece = await anext(answer, None)
        if with_usage:
            yield event(shape.closing() | {"usage": usage_json(usages)})
        yield "data: [DONE]\n\n"
    except Exception as error:  # the status is sent already: the error becomes an event
        yield event(refusal_of(error).body())
    finally:
        answer.close()


def event(message: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(message, separators=(',', ':'))}\n\n"


def head(prefix: str, kind: str, model: str) -> dict[str, Any]:
    """The fields that all objects of one answer share."""
    created = int(time.time())
    return {
        "id": f"{prefix}-{uuid.uuid4().hex}",
        "object": kind,
        "created": created,
        "model": model,
    }
