"""More of OpenAI's API, seen by the official client: several answers, probabilities, forms."""

import json
from typing import Any

import openai
import pytest

from assistant.engine.requests import Likelihood, Priority, TokenLikelihood
from assistant.messages import SamplingParams
from assistant.server.api.likelihoods import CompletionLogprobs
from tests.server.live import Live
from tests.server.scripted_engine import LOGPROB, ScriptedEngine

HELLO: Any = {"model": "scripted", "messages": [{"role": "user", "content": "to be"}]}


def test_several_answers_and_what_they_took(server: Live, engine: ScriptedEngine) -> None:
    answer = server.client().chat.completions.create(**HELLO, n=3, seed=7)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert [choice.message.content for choice in answer.choices] == ["tobe"] * 3
    assert sorted(params.seed or 0 for params in engine.params) == [7, 8, 9]
    usage = answer.usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (7, 9, 16)
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 5
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.accepted_prediction_tokens == 3
    assert usage.completion_tokens_details.rejected_prediction_tokens == 3


def test_several_streamed_answers_are_told_apart(server: Live) -> None:
    stream = server.client().completions.create(
        model="scripted",
        prompt="a b",
        n=2,
        stream=True,
        stream_options={"include_usage": True},
    )
    *chunks, last = list(stream)
    for index in (0, 1):
        mine = [chunk.choices[0] for chunk in chunks if chunk.choices[0].index == index]
        assert "".join(choice.text for choice in mine) == "ab"
        assert mine[-1].finish_reason == "stop"
    assert last.usage is not None
    assert last.usage.completion_tokens == 6


def test_every_streamed_answer_begins_with_its_role(server: Live) -> None:
    chunks = list(server.client().chat.completions.create(**HELLO, n=2, stream=True))
    roles = [chunk.choices[0].index for chunk in chunks if chunk.choices[0].delta.role]
    assert sorted(roles) == [0, 1]


def test_a_client_that_goes_away_ends_all_of_its_answers(
    server: Live, engine: ScriptedEngine
) -> None:
    stream = server.client().completions.create(
        model="scripted", prompt="for ever", n=3, stream=True
    )
    next(stream)
    stream.close()
    assert engine.cancelled.wait(30)
    assert server.client().completions.create(model="scripted", prompt="a").choices[0].text == "a"
    assert engine.answered == ["for ever", "a"]


def test_probabilities_in_a_conversation(server: Live) -> None:
    options: Any = {**HELLO, "logprobs": True, "top_logprobs": 2}
    (choice,) = server.client().chat.completions.create(**options).choices
    assert choice.logprobs is not None
    tokens = choice.logprobs.content or []
    assert [(token.token, token.logprob, token.bytes) for token in tokens] == [
        ("to", LOGPROB, [116, 111]),
        ("be", LOGPROB, [98, 101]),
    ]
    assert [likely.token for likely in tokens[0].top_logprobs] == ["x", "y"]
    assert tokens[0].top_logprobs[0].logprob == -9999.0
    streamed = list(server.client().chat.completions.create(**options, stream=True))
    pieces = [chunk.choices[0].logprobs for chunk in streamed]
    told = [token for piece in pieces if piece is not None for token in piece.content or ()]
    assert told == tokens


def test_probabilities_without_alternatives(server: Live, engine: ScriptedEngine) -> None:
    (choice,) = server.client().chat.completions.create(**HELLO, logprobs=True).choices
    assert choice.logprobs is not None
    assert [token.top_logprobs for token in choice.logprobs.content or []] == [[], []]
    assert engine.params == [SamplingParams(top_logprobs=0)]


def test_probabilities_of_a_completion(server: Live) -> None:
    options: Any = {"model": "scripted", "prompt": "to be or", "logprobs": 1}
    logprobs = server.client().completions.create(**options).choices[0].logprobs
    assert logprobs is not None
    assert logprobs.tokens == ["to", "be", "or"]
    assert logprobs.token_logprobs == [LOGPROB] * 3
    assert logprobs.text_offset == [0, 2, 4]
    assert logprobs.top_logprobs is not None
    assert logprobs.top_logprobs[0] == {"to": LOGPROB, "x": -9999.0}
    streamed = list(server.client().completions.create(**options, stream=True))
    pieces = [chunk.choices[0].logprobs for chunk in streamed]
    told = [place for piece in pieces if piece is not None for place in piece.text_offset or ()]
    assert told == [0, 2, 4]


def test_places_count_characters_and_not_bytes() -> None:
    def token(data: bytes) -> TokenLikelihood:
        return TokenLikelihood(Likelihood(data.decode(errors="replace"), data, -1.0))

    smile = "🙂".encode()
    tokens = [token(b" caf\xc3"), token(b"\xa9"), token(smile[:2]), token(smile[2:]), token(b"!")]
    told = CompletionLogprobs().add(tokens, "café🙂!")
    assert told["text_offset"] == [0, 3, 4, 4, 5]


def test_a_form_for_the_answer_reaches_the_engine(server: Live, engine: ScriptedEngine) -> None:
    client = server.client()
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    named: Any = {"name": "numbers", "schema": schema, "strict": True}
    client.chat.completions.create(**HELLO, response_format={"type": "json_object"})
    client.chat.completions.create(
        **HELLO, response_format={"type": "json_schema", "json_schema": named}
    )
    client.chat.completions.create(**HELLO, response_format={"type": "text"})
    asked = [params.json_schema for params in engine.params]
    assert [text and json.loads(text) for text in asked] == [{"type": "object"}, schema, None]


@pytest.mark.parametrize("stream", [True, False])
def test_a_form_that_cannot_be_followed(server: Live, stream: bool) -> None:
    named: Any = {"name": "numbers", "schema": {"type": "bogus"}}
    with pytest.raises(openai.BadRequestError, match=r"at \$: Invalid type: bogus"):
        server.client().chat.completions.create(
            **HELLO, stream=stream, response_format={"type": "json_schema", "json_schema": named}
        )


def test_who_goes_first_and_whose_request_it_is(server: Live, engine: ScriptedEngine) -> None:
    client = server.client().with_options(default_headers={"User-Agent": "script"})
    complete: Any = {"model": "scripted", "prompt": "a"}
    client.completions.create(**complete)
    client.chat.completions.create(**HELLO, user="ann")
    client.completions.create(**complete, extra_body={"priority": "batch"})
    client.completions.create(**complete, extra_headers={"X-Client": "editor"})
    assert [(job.priority, job.client) for job in engine.jobs] == [
        (Priority.COMPLETION, "script"),
        (Priority.CHAT, "ann"),
        (Priority.BATCH, "script"),
        (Priority.COMPLETION, "editor"),
    ]


def test_figures_for_prometheus(server: Live) -> None:
    server.client().chat.completions.create(**HELLO)
    with pytest.raises(openai.NotFoundError):
        server.client().models.retrieve("nothing")
    text = server.http("GET", "/metrics").text
    for line in (
        'assistant_http_requests_total{route="/v1/chat/completions",status="200"}',
        'assistant_http_requests_total{route="/v1/models/{name}",status="404"}',
        'assistant_first_token_seconds_count{route="/v1/chat/completions"}',
        'assistant_answer_seconds_count{route="/v1/chat/completions"}',
        'assistant_engine_cache_bytes{model="scripted"} 64.0',
        'assistant_engine_accepted_tokens_total{model="scripted"} 1.0',
        "assistant_answers 0.0",
        "assistant_streams 0.0",
    ):
        assert f"\n{line}" in text
