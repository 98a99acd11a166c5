"""What a client gets, seen by the official client."""

from typing import Any

import openai
import pytest

from assistant import __version__
from assistant.messages import CompletionRequest, Message, SamplingParams
from tests.server.live import Live
from tests.server.scripted_engine import ScriptedEngine


def ask(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_the_model_is_listed_with_what_front_ends_want_to_know(server: Live) -> None:
    card = server.client().models.list().data[0]
    assert card.id == "scripted"
    assert card.model_dump()["context"] == 512
    assert card.model_dump()["wording"] == "brief"
    assert card.model_dump()["fim"] is True
    assert server.client().models.retrieve("scripted") == card


def test_a_whole_answer(server: Live) -> None:
    answer = server.client().chat.completions.create(model="scripted", messages=ask("to be or"))
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content == "tobeor"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == 10
    assert answer.usage.prompt_tokens_details is not None
    assert answer.usage.prompt_tokens_details.cached_tokens == 5


def test_a_streamed_answer(server: Live) -> None:
    stream = server.client().chat.completions.create(
        model="scripted", messages=ask("to be or"), stream=True
    )
    chunks = list(stream)
    assert chunks[0].choices[0].delta.role == "assistant"
    first, *pieces, last = [chunk.choices[0] for chunk in chunks]
    assert first.delta.content == ""
    assert "".join(piece.delta.content or "" for piece in pieces) == "tobeor"
    assert {piece.finish_reason for piece in (first, *pieces)} == {None}
    assert (last.delta.content, last.finish_reason) == (None, "stop")
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


async def test_a_stream_ends_with_its_usage_when_asked(server: Live) -> None:
    async with server.async_client() as client:
        stream = await client.chat.completions.create(
            model="scripted",
            messages=ask("to be"),
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 3
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_a_completion_with_a_suffix(server: Live, engine: ScriptedEngine) -> None:
    answer = server.client().completions.create(
        model="scripted",
        prompt="def add(",
        suffix="\nprint()",
        extra_body={"language": "python", "path": "sums.py"},
    )
    assert answer.object == "text_completion"
    assert answer.choices[0].text == "defadd("
    assert answer.usage is not None
    assert engine.completions == [CompletionRequest("def add(", "\nprint()", "python", "sums.py")]


def test_a_streamed_completion(server: Live) -> None:
    stream = server.client().completions.create(
        model="scripted", prompt="a b", stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == "ab"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None


def test_how_to_sample_reaches_the_engine(server: Live, engine: ScriptedEngine) -> None:
    client = server.client()
    client.completions.create(
        model="scripted", prompt="a", max_tokens=9, temperature=0.5, top_p=0.9, seed=7, stop="\n"
    )
    client.chat.completions.create(
        model="scripted", messages=ask("a"), max_completion_tokens=8, stop=["x", "y"]
    )
    client.completions.create(model="scripted", prompt="a", max_tokens=None, stop=None)
    assert engine.params == [
        SamplingParams(9, 0.5, 0.9, ("\n",), 7),
        SamplingParams(max_tokens=8, stop=("x", "y")),
        SamplingParams(),
    ]


def test_instructions_become_one_system_message(server: Live, engine: ScriptedEngine) -> None:
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "developer",
            "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "kind."}],
        },
        {"role": "user", "content": "hello"},
    ]
    server.client().chat.completions.create(model="scripted", messages=messages)
    assert engine.conversations[0].messages == (
        Message("system", "Be brief.\n\nBe kind."),
        Message("user", "hello"),
    )


def test_what_changes_nothing_is_allowed(server: Live) -> None:
    answer = server.client().chat.completions.create(
        model="scripted",
        messages=ask("yes"),
        n=1,
        tools=[],
        logprobs=False,
        presence_penalty=0,
        frequency_penalty=0.0,
        response_format={"type": "text"},
        user="me",
    )
    assert answer.choices[0].message.content == "yes"


def test_health_needs_no_token(server: Live) -> None:
    with openai.DefaultHttpxClient(trust_env=False) as http:
        health = http.get(f"{server.url}/health").json()
    assert health.pop("pid") > 0
    assert health == {
        "status": "ready",
        "model": "scripted",
        "detail": "scripted: words alone",
        "version": __version__,
        "running": 0,
    }


@pytest.mark.parametrize("text", ["\u2028 \u0085 \r\n", "data: [DONE]\n\n", "\0", "你好 🙂"])
def test_any_text_survives_the_stream(server: Live, text: str) -> None:
    stream = server.client().completions.create(model="scripted", prompt=text, stream=True)
    streamed = "".join(chunk.choices[0].text for chunk in stream)
    assert streamed == text.replace(" ", "")
