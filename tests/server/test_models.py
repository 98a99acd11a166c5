"""Several models and their adapters, chosen by the model's name in a request."""

import asyncio
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from assistant import paths
from assistant.client.record import ModelChoice
from assistant.errors import ModelFolderError
from assistant.server.engines import Served
from tests.server.live import SECONDS, Live, live
from tests.server.scripted_engine import ScriptedLoader


class Loader(ScriptedLoader):
    """The models `broken` and `burning` cannot be loaded; the others wait until `going` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.going = threading.Event()
        self.going.set()

    def check(self, choice: ModelChoice) -> None:
        if choice.model == "broken":
            raise ModelFolderError("model.safetensors is missing")

    def load(self, choice: ModelChoice) -> Served:
        self.begun.set()
        self.going.wait()
        if choice.model == "burning":
            raise ModelFolderError("the tensor x is missing")
        return super().load(choice)


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def server(loader: Loader) -> Iterator[Live]:
    for name in ("one", "two", "broken", "burning"):
        folder = paths.models_dir() / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")
    with live(loader, "one") as running:
        yield running


def put_adapter(name: str, base: str) -> Path:
    folder = paths.adapters_dir() / name
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


def text(server: Live, model: str) -> str:
    answer = server.client().completions.create(model=model, prompt="well said")
    assert answer.model == model
    return answer.choices[0].text


async def running_are(server: Live, requests: int) -> None:
    await asyncio.to_thread(server.activity.wait_for, requests)


def listed(server: Live) -> list[str]:
    return [model.id for model in server.client().models.list().data]


def test_all_that_is_installed_is_listed_the_settings_model_first(server: Live) -> None:
    assert listed(server) == ["one", "starter", "broken", "burning", "two"]
    assert server.client().models.retrieve("two").id == "two"


def test_another_model_is_loaded_when_it_is_asked_for(server: Live, loader: Loader) -> None:
    assert text(server, "one") == "wellsaid"
    first = loader.engines["one"]
    assert text(server, "two") == "wellsaid"
    assert first.closed.is_set()
    assert server.health()["model"] == "two"
    assert listed(server)[0] == "one"
    assert text(server, "one") == "wellsaid"
    assert loader.loads == ["one", "two", "one"]


async def test_it_waits_for_running_requests_and_those_behind_it_wait_for_it(
    server: Live, loader: Loader
) -> None:
    def said(model: str) -> Any:
        return client.completions.create(model=model, prompt="well said")

    async with server.async_client() as client, asyncio.timeout(60):
        running = await client.completions.create(model="one", prompt="until told", stream=True)
        assert (await anext(aiter(running))).choices[0].text == "begin"
        loader.going.clear()
        loader.begun.clear()
        two = asyncio.create_task(said("two"))
        await running_are(server, 2)
        one = asyncio.create_task(said("one"))
        await running_are(server, 3)
        assert server.health()["model"] == "one"
        paths.state_dir().mkdir(parents=True, exist_ok=True)
        (paths.state_dir() / "go").touch()
        assert "".join([piece.choices[0].text async for piece in running]) == "untiltold"
        assert await asyncio.to_thread(loader.begun.wait, SECONDS)
        assert (await asyncio.to_thread(server.health))["detail"] == "loading two"
        assert not two.done()
        loader.going.set()
        assert (await two).choices[0].text == "wellsaid"
        assert (await one).choices[0].text == "wellsaid"
    assert loader.loads == ["one", "two", "one"]


async def test_nobody_waits_for_a_model_whose_client_has_gone(server: Live, loader: Loader) -> None:
    async with server.async_client() as client, asyncio.timeout(60):
        running = await client.completions.create(model="one", prompt="for ever", stream=True)
        await anext(aiter(running))
        two = asyncio.create_task(client.completions.create(model="two", prompt="a"))
        await running_are(server, 2)
        two.cancel()
        await running_are(server, 1)
        await running.close()
        assert (await client.completions.create(model="one", prompt="a")).choices[0].text == "a"
    assert loader.loads == ["one"]


def test_a_model_that_is_damaged_leaves_the_one_in_memory(server: Live, loader: Loader) -> None:
    with pytest.raises(openai.APIStatusError, match="safetensors is missing"):
        text(server, "broken")
    assert server.health()["status"] == "ready"
    assert text(server, "one") == "wellsaid"
    assert loader.loads == ["one"]


def test_after_a_model_that_cannot_be_loaded_the_others_can(server: Live) -> None:
    with pytest.raises(openai.APIStatusError, match="tensor x is missing"):
        text(server, "burning")
    assert server.health()["status"] == "unloaded"
    assert text(server, "one") == "wellsaid"


def test_adapters_are_listed_used_and_dropped(server: Live, loader: Loader) -> None:
    mine = put_adapter("mine", "one")
    put_adapter("other", "/somewhere/two")
    assert listed(server) == ["one", "one:mine", "starter", "broken", "burning", "two", "two:other"]
    assert server.client().models.retrieve("one:mine").model_dump()["parent"] == "one"
    assert text(server, "one:mine") == "wellsaid"
    assert text(server, "one") == "wellsaid"
    engine = loader.engines["one"]
    assert [job.adapter and job.adapter.partition("@")[0] for job in engine.jobs] == ["mine", None]
    (loaded,) = engine.adapter_names
    (mine / "adapter_model.safetensors").write_bytes(b"weights of a second training")
    text(server, "one:mine")
    assert engine.adapter_names != (loaded,)
    assert len(engine.adapter_names) == 1
    shutil.rmtree(mine)
    assert "one:mine" not in listed(server)
    assert not engine.adapter_names
    assert text(server, "two:other") == "wellsaid"


@pytest.mark.parametrize("name", ["one:nothing", "one:other", "two:mine:more", "nothing:mine"])
def test_an_adapter_that_is_not_there_or_for_another_model(server: Live, name: str) -> None:
    put_adapter("other", "two")
    with pytest.raises(openai.NotFoundError):
        text(server, name)


def test_an_adapter_that_is_damaged(server: Live) -> None:
    (put_adapter("mine", "one") / "adapter_model.safetensors").unlink()
    with pytest.raises(openai.APIStatusError, match=r"adapter_model\.safetensors is missing"):
        text(server, "one:mine")
    assert text(server, "one") == "wellsaid"


def in_memory(server: Live) -> list[str]:
    return [
        model.id for model in server.client().models.list().data if model.model_dump()["loaded"]
    ]


def test_a_model_is_loaded_and_freed_on_demand(server: Live, loader: Loader) -> None:
    put_adapter("mine", "two")
    assert in_memory(server) == ["one"]
    entry = server.http("POST", "/models/load", json={"model": "two:mine"}).json()
    assert (entry["id"], entry["loaded"]) == ("two:mine", True)
    assert in_memory(server) == ["two", "two:mine"]
    for _ in range(2):  # a second time there is nothing to free, which is no error
        freed = server.http("POST", "/models/unload")
        assert (freed.status_code, freed.json()["loaded"]) == (200, False)
    assert loader.engines["two"].closed.is_set()
    assert in_memory(server) == []
    assert server.health()["status"] == "unloaded"
    assert text(server, "two") == "wellsaid"
    assert loader.loads == ["one", "two", "two"]


@pytest.mark.parametrize(
    ("name", "status"), [("broken", 500), ("nothing", 404), ("one:nothing", 404), ("../one", 404)]
)
def test_what_cannot_be_loaded_leaves_the_model_in_memory(
    server: Live, name: str, status: int
) -> None:
    refused = server.http("POST", "/models/load", json={"model": name})
    assert refused.status_code == status
    assert in_memory(server) == ["one"]


async def test_a_model_that_answers_is_not_freed(server: Live) -> None:
    async with server.async_client() as client, asyncio.timeout(60):
        running = await client.completions.create(model="one", prompt="for ever", stream=True)
        await anext(aiter(running))
        refused = await asyncio.to_thread(server.http, "POST", "/models/unload")
        assert refused.status_code == 409
        assert refused.json()["error"]["code"] == "model_in_use"
        await running.close()
