"""`POST /v1/completions`, with a suffix where the text is to be filled in."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from assistant.engine.requests import Chunk, Deliver, Finish, Job, Priority, TokenLikelihood
from assistant.server import routes
from assistant.server.answers import Answers, Question
from assistant.server.api.completion_request import TextCompletion
from assistant.server.api.likelihoods import CompletionLogprobs
from assistant.server.api.streaming import Choice, head, respond
from assistant.server.catalog import Catalog
from assistant.server.engines import Answering


@dataclass
class CompletionShape:
    """A piece of text at a cursor, as OpenAI's API writes it."""

    model: str
    logprobs: bool
    """Whether the probabilities of its tokens were asked for."""
    _head: dict[str, Any] = field(init=False)
    _places: defaultdict[int, CompletionLogprobs] = field(init=False)

    def __post_init__(self) -> None:
        self._head = head("cmpl", "text_completion", self.model)
        self._places = defaultdict(CompletionLogprobs)

    def whole(self, choices: Sequence[Choice]) -> dict[str, Any]:
        """See `Shape`."""
        written = [
            self._choice(choice.number, choice.text, choice.tokens, choice.finish)
            for choice in choices
        ]
        return self._head | {"choices": written}

    def opening(self, number: int) -> list[dict[str, Any]]:
        """See `Shape`."""
        return []

    def piece(self, number: int, chunk: Chunk) -> dict[str, Any]:
        """See `Shape`."""
        return self._head | {"choices": [self._choice(number, chunk.text, chunk.tokens)]}

    def ending(self, number: int, finish: Finish) -> dict[str, Any]:
        """See `Shape`."""
        return self._head | {"choices": [self._choice(number, "", (), finish)]}

    def closing(self) -> dict[str, Any]:
        """See `Shape`."""
        return self._head | {"choices": []}

    def _choice(
        self,
        number: int,
        text: str,
        tokens: Sequence[TokenLikelihood],
        finish: Finish | None = None,
    ) -> dict[str, Any]:
        told = self.logprobs and bool(tokens)
        logprobs = self._places[number].add(tokens, text) if told else None
        return {"index": number, "text": text, "logprobs": logprobs, "finish_reason": finish}


def router(catalog: Catalog, answers: Answers) -> APIRouter:
    """The route, for the models in `catalog`."""
    api = APIRouter()

    @api.post(routes.COMPLETIONS)
    async def complete(body: TextCompletion, request: Request) -> Response:
        """Complete the text at a cursor."""
        completion = body.request()
        params = [body.params(number) for number in range(body.count)]

        def submit(engine: Answering, number: int, job: Job, deliver: Deliver) -> None:
            engine.submit_complete(completion, params[number], job, deliver)

        question = Question(
            target=catalog.target(body.model),
            submit=submit,
            priority=Priority.BATCH if body.priority == "batch" else Priority.COMPLETION,
            client=body.client(request),
            count=body.count,
        )
        shape = CompletionShape(body.model, body.logprobs is not None)
        answer = answers.begin(request, question)
        return await respond(answer, shape, stream=bool(body.stream), usage=body.wants_usage)

    return api
