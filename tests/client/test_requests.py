"""Requests of a client to a live server in this process, whose engine can be looked at."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from assistant import paths
from assistant.client import ModelClient
from assistant.config import Settings
from assistant.errors import ServerError
from assistant.messages import (
    CompletionRequest,
    Conversation,
    Message,
    SamplingParams,
    Snippet,
)
from tests.server.live import Live, live
from tests.server.scripted_engine import USAGE, ScriptedEngine, ScriptedLoader

PARAMS = SamplingParams(max_tokens=9, temperature=0.25, top_p=0.5, stop=("\n",), seed=3)
PATIENCE = 30.0


def talk(text: str) -> Conversation:
    return Conversation((Message("system", "Be brief."), Message("user", text)))


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def server(engine: ScriptedEngine) -> Iterator[Live]:
    with live(ScriptedLoader({"starter": engine}), "starter") as running:
        running.publish(Settings())
        yield running


@pytest.fixture
async def client(server: Live) -> AsyncIterator[ModelClient]:
    client = ModelClient(Settings(), command=["never", "started"])
    yield client
    await client.aclose()


async def test_a_completion(client: ModelClient, engine: ScriptedEngine) -> None:
    request = CompletionRequest("def add(", "\nprint()", "python", "sums.py")
    assert await client.complete(request, PARAMS) == "defadd("
    stream = client.stream_complete(request, PARAMS)
    assert stream.finish is None
    assert "".join([text async for text in stream]) == "defadd("
    assert stream.finish == "stop"
    assert engine.completions == [request, request]
    assert engine.params == [PARAMS, PARAMS]


async def test_pieces_of_other_files_arrive(client: ModelClient, engine: ScriptedEngine) -> None:
    pieces = (Snippet("b.py", "def b(): ..."), Snippet("c.py", "C = 1\n"))
    request = CompletionRequest(
        "def add(", "\nprint()", "python", "/home/me/shop/a.py", pieces, "/home/me/shop"
    )
    await client.complete(request, PARAMS)
    assert engine.completions == [request]


async def test_a_conversation(client: ModelClient, engine: ScriptedEngine) -> None:
    assert await client.chat(talk("to be"), PARAMS) == "tobe"
    assert "".join([text async for text in client.stream_chat(talk("to be"), PARAMS)]) == "tobe"
    assert engine.conversations == [talk("to be")] * 2
    assert engine.params == [PARAMS, PARAMS]


async def test_half_a_character_from_an_editor(client: ModelClient) -> None:
    assert await client.complete(CompletionRequest("a\ud83d", "\ude00"), PARAMS) == "a\ufffd"
    assert await client.chat(talk("\ud83d\ude42"), PARAMS) == "🙂"


async def test_a_refused_request_is_told_in_the_servers_words(client: ModelClient) -> None:
    for stream in (True, False):
        with pytest.raises(ServerError) as error:
            if stream:
                await anext(client.stream_chat(talk("too long"), PARAMS))
            else:
                await client.chat(talk("too long"), PARAMS)
        assert str(error.value) == "the prompt has 900 tokens and this model reads 512"


async def test_a_bug_in_the_server_midway(client: ModelClient) -> None:
    pieces = []
    with pytest.raises(ServerError, match="RuntimeError"):
        async for text in client.stream_chat(talk("bug midway"), PARAMS):
            pieces.append(text)
    assert pieces == ["begin"]


async def test_closing_the_iterator_ends_the_generation(
    client: ModelClient, engine: ScriptedEngine
) -> None:
    async with aclosing(client.stream_chat(talk("for ever"), PARAMS)) as answer:
        assert await anext(answer) == "begin"
    assert await asyncio.to_thread(engine.cancelled.wait, PATIENCE)
    assert await client.chat(talk("well"), PARAMS) == "well"


@pytest.mark.parametrize("text", ["for ever", "silence"])
@pytest.mark.parametrize("stream", [True, False])
async def test_cancelling_the_task_ends_the_generation(
    client: ModelClient, engine: ScriptedEngine, text: str, stream: bool
) -> None:
    async def read() -> None:
        if stream:
            async for _ in client.stream_complete(CompletionRequest(text), PARAMS):
                pass
        else:
            await client.complete(CompletionRequest(text), PARAMS)

    reading = asyncio.create_task(read())
    assert await asyncio.to_thread(engine.begun.wait, PATIENCE)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await asyncio.to_thread(engine.cancelled.wait, PATIENCE)
    assert await client.chat(talk("well"), PARAMS) == "well"


async def test_many_requests_at_once(client: ModelClient) -> None:
    answers = await asyncio.gather(*(client.chat(talk(f"n {n}"), PARAMS) for n in range(20)))
    assert answers == [f"n{n}" for n in range(20)]


async def test_no_proxy_gets_to_see_the_text(
    client: ModelClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await client.chat(talk("well"), PARAMS) == "well"


async def test_another_model_is_used_from_now_on(client: ModelClient, server: Live) -> None:
    own = paths.models_dir() / "own"
    own.mkdir(parents=True)
    (own / "config.json").write_text("{}")
    assert (await client.ready()).name == "starter"
    card = await client.use("own")
    assert (card.name, card.loaded) == ("own", True)
    assert (await client.ready()).name == "own"
    await client.chat(talk("to be"), PARAMS)
    assert server.health()["model"] == "own"
    await client.unload()
    assert not any(card.loaded for card in await client.models())
    with pytest.raises(ServerError, match="no model nothing"):
        await client.use("nothing")
    await client.complete(CompletionRequest("a", ""), PARAMS)
    assert server.health()["model"] == "own"


async def test_answers_that_are_long_enough_tell_the_pace(
    client: ModelClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.chat(talk("to be"), PARAMS)
    assert client.paces == {}  # three tokens tell nothing
    long = replace(USAGE, completion_tokens=41)
    monkeypatch.setattr("tests.server.scripted_engine.USAGE", long)
    stream = client.stream_chat(talk("until told"), PARAMS)
    assert await anext(stream) == "begin"
    (paths.state_dir() / "go").touch()
    assert "".join([text async for text in stream]) == "untiltold"
    pace = client.paces["starter"]
    assert pace.tokens == 40
    assert pace.tokens_per_second == pytest.approx(40 / pace.seconds)
