"""`POST /v1/completions`, with a suffix where the text is to be filled in."""

from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from assistant.server.answers import Answers
from assistant.server.schemas import TextCompletion
from assistant.server.serving import ModelSlot
from assistant.server.streaming import head, respond


@dataclass
class CompletionShape:
    """A piece of text at a cursor, as OpenAI's API writes it."""

    model: str
    _head: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._head = head("cmpl", "text_completion", self.model)

    def whole(self, text: str, finish: str) -> dict[str, Any]:
        """See `Shape`."""
        return self.piece(text, finish)

    def opening(self) -> list[dict[str, Any]]:
        """See `Shape`."""
        return []

    def piece(self, text: str, finish: str | None) -> dict[str, Any]:
        """See `Shape`."""
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
        return self._head | {"choices": [choice]}

    def closing(self) -> dict[str, Any]:
        """See `Shape`."""
        return self._head | {"choices": []}


def router(slot: ModelSlot, answers: Answers) -> APIRouter:
    """The route, for the model in `slot`."""
    routes = APIRouter()

    @routes.post("/v1/completions")
    async def complete(body: TextCompletion, request: Request) -> Response:
        """Complete the text at a cursor."""
        served = slot.served(body.model)
        completion, params = body.request(), body.params()
        answer = answers.begin(
            request, lambda cancel: served.engine.complete(completion, params, cancel)
        )
        shape = CompletionShape(served.name)
        return await respond(answer, shape, stream=bool(body.stream), usage=body.wants_usage)

    return routes
