"""A client that goes away ends the generation. Every wait here is for an event."""

import asyncio
import threading

import openai
import pytest

from tests.server.live import Live
from tests.server.scripted_engine import ScriptedEngine

PATIENCE = 30.0
"""Seconds until a test gives up; nothing is expected to take long."""


def seen(event: threading.Event) -> bool:
    return event.wait(PATIENCE)


def works(server: Live) -> bool:
    return server.client().completions.create(model="scripted", prompt="a").choices[0].text == "a"


def test_closing_a_stream(server: Live, engine: ScriptedEngine) -> None:
    stream = server.client().completions.create(model="scripted", prompt="for ever", stream=True)
    assert next(stream).choices[0].text == "begin"
    stream.close()
    assert seen(engine.cancelled)
    assert works(server)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("prompt", ["for ever", "silence"])
async def test_cancelling_whoever_waits(
    server: Live, engine: ScriptedEngine, stream: bool, prompt: str
) -> None:
    async def read() -> None:
        answer = await client.completions.create(model="scripted", prompt=prompt, stream=stream)
        if isinstance(answer, openai.AsyncStream):
            async for _ in answer:
                pass

    async with server.async_client() as client:
        waiting = asyncio.create_task(read())
        assert await asyncio.to_thread(seen, engine.begun)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await asyncio.to_thread(seen, engine.cancelled)
    assert await asyncio.to_thread(works, server)


async def test_a_request_that_waits_for_its_turn_is_never_begun(
    server: Live, engine: ScriptedEngine
) -> None:
    async with server.async_client() as client:
        first = await client.completions.create(model="scripted", prompt="for ever", stream=True)
        await anext(aiter(first))
        second = asyncio.create_task(client.completions.create(model="scripted", prompt="later"))
        await health_says(server, running=2)
        second.cancel()
        await health_says(server, running=1)
        await first.close()
        assert await asyncio.to_thread(seen, engine.cancelled)
    assert await asyncio.to_thread(works, server)
    assert engine.answered == ["for ever", "a"]


async def health_says(server: Live, *, running: int) -> None:
    async with asyncio.timeout(PATIENCE), openai.DefaultAsyncHttpxClient(trust_env=False) as http:
        while (await http.get(f"{server.url}/health")).json()["running"] != running:
            await asyncio.sleep(0.01)
