"""`POST /v1/chat/completions`."""

from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from assistant.server.answers import Answers
from assistant.server.schemas import ChatCompletion
from assistant.server.serving import ModelSlot
from assistant.server.streaming import head, respond


@dataclass
class ChatShape:
    """An answer in a conversation, as OpenAI's API writes it."""

    model: str
    _streamed: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._streamed = head("chatcmpl", "chat.completion.chunk", self.model)

    def whole(self, text: str, finish: str) -> dict[str, Any]:
        """See `Shape`."""
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        return self._streamed | {"object": "chat.completion", "choices": [choice]}

    def opening(self) -> list[dict[str, Any]]:
        """See `Shape`."""
        return [self._with_delta({"role": "assistant", "content": ""}, None)]

    def piece(self, text: str, finish: str | None) -> dict[str, Any]:
        """See `Shape`."""
        return self._with_delta({"content": text} if text else {}, finish)

    def closing(self) -> dict[str, Any]:
        """See `Shape`."""
        return self._streamed | {"choices": []}

    def _with_delta(self, delta: dict[str, str], finish: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return self._streamed | {"choices": [choice]}


def router(slot: ModelSlot, answers: Answers) -> APIRouter:
    """The route, for the model in `slot`."""
    routes = APIRouter()

    @routes.post("/v1/chat/completions")
    async def chat(body: ChatCompletion, request: Request) -> Response:
        """Answer a conversation."""
        served = slot.served(body.model)
        conversation, params = body.conversation(), body.params()
        answer = answers.begin(
            request, lambda cancel: served.engine.chat(conversation, params, cancel)
        )
        shape = ChatShape(served.name)
        return await respond(answer, shape, stream=bool(body.stream), usage=body.wants_usage)

    return routes
