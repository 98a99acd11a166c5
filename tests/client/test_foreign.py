"""Servers that are not ours: another OpenAI-compatible one, named by its URL."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from assistant.client import ModelClient
from assistant.config import Settings
from assistant.errors import ServerError
from assistant.messages import CompletionRequest, SamplingParams
from assistant.prompts import Wording

PARAMS = SamplingParams(max_tokens=4)
REQUEST = CompletionRequest("def add(", "\n", "python", "sums.py")


@dataclass
class Foreign:
    """A server that is strict about what it does not know, as many are."""

    models: list[dict[str, Any]]
    takes_suffix: bool = True
    url: str = ""
    keys: set[str] = field(default_factory=set)
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/v1/models")
        async def models(request: Request) -> dict[str, Any]:
            self.keys.add(request.headers["authorization"])
            return {"object": "list", "data": self.models}

        @app.post("/v1/completions")
        async def complete(request: Request) -> Response:
            body = await request.json()
            self.bodies.append(body)
            if not self.takes_suffix and "suffix" in body:
                message = {"message": "suffix is not supported", "type": "BadRequestError"}
                return JSONResponse({"error": message}, 400)
            choice = {"index": 0, "text": "a, b", "finish_reason": "stop"}
            answer = {"id": "1", "object": "text_completion", "created": 1, "choices": [choice]}
            if not body["stream"]:
                return JSONResponse(answer)
            events = (f"data: {json.dumps(answer)}\n\n", "data: [DONE]\n\n")
            return StreamingResponse(iter(events), media_type="text/event-stream")

        return app


@asynccontextmanager
async def running(foreign: Foreign) -> AsyncIterator[Foreign]:
    config = uvicorn.Config(foreign.app(), port=0, log_config=None, access_log=False)
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    foreign.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    yield foreign
    server.should_exit = True
    await serving


def client_of(foreign: Foreign, **settings: Any) -> ModelClient:
    return ModelClient(Settings(server_url=foreign.url, **settings), command=["never", "started"])


async def test_it_is_used_as_it_is() -> None:
    async with running(Foreign([{"id": "m", "object": "model", "max_model_len": 99}])) as foreign:
        client = client_of(foreign, api_key="sesame")
        card = await client.ready()
        assert (card.name, card.context, card.wording) == ("m", 99, Wording.FULL)
        assert (card.chat, card.fim) == (True, True)
        assert await client.complete(REQUEST, PARAMS) == "a, b"
        assert [text async for text in client.stream_complete(REQUEST, PARAMS)] == ["a, b"]
        await client.aclose()
    assert foreign.keys == {"Bearer sesame"}
    known = {"model", "prompt", "suffix", "max_tokens", "temperature", "top_p", "stream"}
    assert [set(body) for body in foreign.bodies] == [known, known]


async def test_the_settings_name_one_of_its_models() -> None:
    async with running(Foreign([{"id": "one"}, {"id": "two"}])) as foreign:
        client = client_of(foreign, model="two")
        assert (await client.ready()).name == "two"
        await client.aclose()
        with pytest.raises(ServerError, match="serves one, two: set `model`"):
            await client_of(foreign).ready()


async def test_one_that_takes_no_suffix_continues_the_prefix() -> None:
    async with running(Foreign([{"id": "m"}], takes_suffix=False)) as foreign:
        client = client_of(foreign)
        assert await client.complete(REQUEST, PARAMS) == "a, b"
        assert await client.complete(REQUEST, PARAMS) == "a, b"
        await client.aclose()
    assert ["suffix" in body for body in foreign.bodies] == [True, False, False]


async def test_the_key_of_another_service_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret of another service")
    async with running(Foreign([{"id": "m"}])) as foreign:
        client = client_of(foreign)
        await client.ready()
        await client.aclose()
    assert foreign.keys == {"Bearer none"}


async def test_one_that_is_not_there() -> None:
    client = ModelClient(Settings(server_url="http://127.0.0.1:9/v1"))
    with pytest.raises(ServerError, match=r"127\.0\.0\.1:9/v1 cannot be reached.*server_url"):
        await client.ready()
