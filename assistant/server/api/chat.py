"""`POST /v1/chat/completions`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from assistant.engine.requests import Chunk, Deliver, Finish, Job, Priority, TokenLikelihood
from assistant.server import routes
from assistant.server.answers import Answers, Question
from assistant.server.api.chat_request import ChatCompletion
from assistant.server.api.likelihoods import chat_logprobs
from assistant.server.api.streaming import Choice, head, respond
from assistant.server.catalog import Catalog
from assistant.server.engines import Answering


@dataclass
class ChatShape:
    """An answer in a conversation, as OpenAI's API writes it."""

    model: str
    logprobs: bool
    """Whether the probabilities of its tokens were asked for."""
    _streamed: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._streamed = head("chatcmpl", "chat.completion.chunk", self.model)

    def whole(self, choices: Sequence[Choice]) -> dict[str, Any]:
        """See `Shape`."""
        written = [
            {
                "index": choice.number,
                "message": {"role": "assistant", "content": choice.text, "refusal": None},
                "logprobs": self._logprobs(choice.tokens),
                "finish_reason": choice.finish,
            }
            for choice in choices
        ]
        return self._streamed | {"object": "chat.completion", "choices": written}

    def opening(self, number: int) -> list[dict[str, Any]]:
        """See `Shape`."""
        return [self._with_delta(number, {"role": "assistant", "content": ""})]

    def piece(self, number: int, chunk: Chunk) -> dict[str, Any]:
        """See `Shape`."""
        return self._with_delta(number, {"content": chunk.text}, tokens=chunk.tokens)

    def ending(self, number: int, finish: Finish) -> dict[str, Any]:
        """See `Shape`."""
        return self._with_delta(number, {}, finish)

    def closing(self) -> dict[str, Any]:
        """See `Shape`."""
        return self._streamed | {"choices": []}

    def _with_delta(
        self,
        number: int,
        delta: dict[str, str],
        finish: Finish | None = None,
        tokens: Sequence[TokenLikelihood] = (),
    ) -> dict[str, Any]:
        logprobs = self._logprobs(tokens) if tokens else None
        choice = {"index": number, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._streamed | {"choices": [choice]}

    def _logprobs(self, tokens: Sequence[TokenLikelihood]) -> dict[str, Any] | None:
        return chat_logprobs(tokens) if self.logprobs else None


def router(catalog: Catalog, answers: Answers) -> APIRouter:
    """The route, for the models in `catalog`."""
    api = APIRouter()

    @api.post(routes.CHAT)
    async def chat(body: ChatCompletion, request: Request) -> Response:
        """Answer a conversation."""
        conversation = body.conversation()
        params = [body.params(number) for number in range(body.count)]

        def submit(engine: Answering, number: int, job: Job, deliver: Deliver) -> None:
            engine.submit_chat(conversation, params[number], job, deliver)

        question = Question(
            target=catalog.target(body.model),
            submit=submit,
            priority=Priority.BATCH if body.priority == "batch" else Priority.CHAT,
            client=body.client(request),
            count=body.count,
        )
        shape = ChatShape(body.model, bool(body.logprobs))
        answer = answers.begin(request, question)
        return await respond(answer, shape, stream=bool(body.stream), usage=body.wants_usage)

    return api
