"""The models' screen: with the real command line, a hub that behaves or not, and a live server."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant import paths
from assistant.config import Settings, load_settings
from assistant.registry import folder_of
from assistant_tui.dialogs import Choose
from tests.core.model_hub import NAME, WEIGHTS, Hub, serving
from tests.lsp.scripted_model import ScriptedModel
from tests.server.live import Live, live
from tests.server.scripted_engine import USAGE, ScriptedEngine, ScriptedLoader
from tests.tui.shelf import shelf_of


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    with serving(hub):
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def server() -> Iterator[Live]:
    """One that front ends find, with the starter in memory and a model `own` on the disk."""
    own = paths.models_dir() / "own"
    own.mkdir(parents=True)
    (own / "config.json").write_text("{}")
    with live(ScriptedLoader({"starter": ScriptedEngine()}), "starter") as server:
        server.publish(Settings())
        yield server


def put_adapter(name: str, base: str = "starter") -> Path:
    folder = paths.adapters_dir() / name
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    (folder / "trained.json").write_text(json.dumps({"examples": 1200}))
    return folder


async def test_what_is_here_stands_first_and_what_fits_is_said(
    folder: Path, model: ScriptedModel
) -> None:
    async with shelf_of(folder, Settings(server_url=model.url)) as shelf:
        assert shelf.lines[0] == "On this machine"
        assert shelf.lines[1].startswith("starter")
        assert shelf.lines[2] == "To be pulled"
        await shelf.until(lambda: shelf.known.plans.get("starter"))
        await shelf.until(lambda: "Fits into the memory that is free" in shelf.detail)
        assert "fills in yes" in shelf.detail
        assert "█" in shelf.detail
        await shelf.until(lambda: shelf.line("starter").endswith("✓"))
        await shelf.go_to("guanaco-65b")
        await shelf.until(lambda: "GPTQ" in shelf.detail)
        assert "non-commercial" in shelf.detail


async def test_a_pull_is_stopped_and_gone_on_with(
    folder: Path, model: ScriptedModel, hub: Hub
) -> None:
    never = threading.Event()
    hub.pause_after, hub.on_bytes = 1_000_000, lambda: never.wait(60)
    async with shelf_of(folder, Settings(server_url=model.url)) as shelf:
        await shelf.go_to(NAME)
        await shelf.press("p")
        await shelf.until(lambda: "1.0 MB of 3.1 MB" in shelf.detail)
        assert shelf.line(NAME).endswith("33%")
        await shelf.press("s")
        await shelf.until(lambda: "1.0 MB of 3.1 MB, stopped" in shelf.detail)
        hub.pause_after = 10**9
        never.set()
        hub.requests.clear()
        await shelf.press("p")
        await shelf.press("f4")  # whoever leaves the screen does not end it
        await shelf.until(lambda: f"{NAME} is here." in shelf.home.said)
        await shelf.press("f6")
        await shelf.until(lambda: "here GPTQ" in " ".join(shelf.detail.split()))
    assert (folder_of(NAME, "gptq") / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.fetched("model.safetensors") == [f"bytes=1000000-{len(WEIGHTS) - 1}"]


async def test_a_pull_ends_with_the_app_and_is_found_again(
    folder: Path, model: ScriptedModel, hub: Hub
) -> None:
    never = threading.Event()
    hub.pause_after, hub.on_bytes = 1_000_000, lambda: never.wait(60)
    async with shelf_of(folder, Settings(server_url=model.url)) as shelf:
        await shelf.go_to(NAME)
        await shelf.press("p")
        await shelf.until(lambda: "1.0 MB of 3.1 MB" in shelf.detail)
        await shelf.press("ctrl+q")
        await shelf.until(lambda: not shelf.home.app.is_running)
    never.set()
    async with shelf_of(folder, Settings(server_url=model.url)) as shelf:
        assert shelf.lines[3].startswith(NAME)  # before all that was never begun
        await shelf.go_to(NAME)
        assert "begun" in shelf.detail


async def test_a_pull_that_fails_says_why_and_can_be_tried_again(
    folder: Path, model: ScriptedModel, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    async with shelf_of(folder, Settings(server_url=model.url)) as shelf:
        await shelf.go_to(NAME)
        await shelf.press("enter")  # what is not here cannot be used: it is pulled
        await shelf.until(lambda: "✗" in shelf.detail and "cannot be fetched" in shelf.detail)
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        await shelf.press("p")
        await shelf.until(lambda: f"{NAME} is here." in shelf.home.said)


async def test_one_of_two_variants_is_chosen(folder: Path, model: ScriptedModel) -> None:
    async with shelf_of(folder, Settings(server_url=model.url)) as shelf:
        await shelf.go_to("llama2-7b")
        await shelf.press("p")
        await shelf.until(lambda: isinstance(shelf.home.app.screen, Choose))
        await shelf.press("escape")
        await shelf.until(lambda: shelf.home.app.screen is shelf.screen)
        assert not shelf.known.pulls


async def test_another_model_is_asked_and_freed(folder: Path, server: Live) -> None:
    async with shelf_of(folder, Settings()) as shelf:
        await shelf.until(lambda: shelf.line("starter").startswith("▌●"))
        await shelf.go_to("own")
        await shelf.press("enter")
        await shelf.until(lambda: shelf.line("own").startswith("▌●"))
        assert "own is asked from now on." in shelf.home.said
        await shelf.until(lambda: "● own" in shelf.model_line)
        assert server.health()["model"] == "own"
        await shelf.press("u")
        await shelf.until(lambda: shelf.line("own").startswith("▌ own"))
        assert server.health()["status"] == "unloaded"
        await shelf.press("f4", "f4")
        chat = shelf.home.app.chat
        await shelf.until(lambda: chat.talk.composer.field.has_focus)
        await shelf.press(*"Hello", "enter")
        await shelf.until(lambda: len(chat.talk.path) == 2 and not chat.talk.writing)
        assert chat.talk.path[1].model == "own"
        assert server.health()["model"] == "own"


async def test_what_the_server_does_not_have_leaves_the_one_before(
    folder: Path, model: ScriptedModel
) -> None:
    async with shelf_of(folder, Settings(server_url=model.url)) as shelf:
        await shelf.go_to("starter")
        await shelf.press("enter")
        await shelf.until(lambda: any("has no model starter" in line for line in shelf.home.said))
        await shelf.until(lambda: "● scripted" in shelf.model_line)
        await shelf.press("u")
        await shelf.until(lambda: any("keeps its models itself" in one for one in shelf.home.said))


async def test_an_adapter_is_used_and_none(folder: Path, server: Live) -> None:
    put_adapter("mine")
    async with shelf_of(folder, Settings()) as shelf:
        await shelf.go_to("starter")
        await shelf.until(lambda: shelf.adapters)
        assert "1,200 examples" in shelf.adapters[0]
        await shelf.press("right", "tab", "enter")
        await shelf.until(lambda: "▌ mine" in shelf.adapters[0])
        await shelf.until(lambda: "in the settings" in shelf.adapters[0])
        await shelf.until(lambda: "starter with mine" in shelf.model_line)
        assert load_settings().adapter == str(paths.adapters_dir() / "mine")
        await shelf.press("n")
        await shelf.until(lambda: "▌" not in shelf.adapters[0])
        await shelf.until(lambda: shelf.model_line.endswith("starter"))
        assert load_settings().adapter is None


async def test_an_adapter_is_brought_back_and_deleted(folder: Path, server: Live) -> None:
    adapter = put_adapter("mine")
    former = put_adapter(".former/mine")
    (former / "trained.json").write_text(json.dumps({"examples": 7}))
    async with shelf_of(folder, Settings()) as shelf:
        await shelf.go_to("starter")
        await shelf.until(lambda: shelf.adapters)
        assert "former one kept" in shelf.adapters[0]
        await shelf.press("right", "tab", "b")
        await shelf.until(lambda: "7 examples" in shelf.adapters[0])
        await shelf.press("delete")
        await shelf.until(lambda: isinstance(shelf.home.app.screen, Choose))
        await shelf.press("enter")  # the first answer keeps it
        await shelf.until(lambda: shelf.home.app.screen is shelf.screen)
        assert adapter.exists()
        await shelf.press("delete")
        await shelf.until(lambda: isinstance(shelf.home.app.screen, Choose))
        await shelf.press("down", "enter")
        await shelf.until(lambda: not shelf.adapters)
        assert not adapter.exists()


async def test_a_model_of_ones_own_is_deleted(folder: Path, server: Live) -> None:
    async with shelf_of(folder, Settings()) as shelf:
        await shelf.go_to("own")
        await shelf.press("delete")
        await shelf.until(lambda: isinstance(shelf.home.app.screen, Choose))
        await shelf.press("down", "enter")
        await shelf.until(lambda: not shelf.line("own"))
        assert not (paths.models_dir() / "own").exists()


async def test_the_pace_of_the_last_answer_is_shown(
    folder: Path, server: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = replace(USAGE, completion_tokens=41)
    monkeypatch.setattr("tests.server.scripted_engine.USAGE", long)
    async with shelf_of(folder, Settings()) as shelf:
        await shelf.until(lambda: "M measures it" in shelf.detail)
        await shelf.press("f4", "f4")
        chat = shelf.home.app.chat
        await shelf.until(lambda: chat.talk.composer.field.has_focus)
        chat.talk.composer.put("until told")
        await shelf.press("enter")
        await shelf.until(lambda: len(chat.talk.path) == 2)
        (paths.state_dir() / "go").touch()
        await shelf.until(lambda: not chat.talk.writing)
        await shelf.press("f6")
        await shelf.until(lambda: "tokens/s in its last answer (40 tokens)" in shelf.detail)


async def test_that_there_is_no_server_is_said_once(folder: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1"
        async with shelf_of(folder, Settings(server_url=url)) as shelf:
            await shelf.until(lambda: shelf.home.said)
            await shelf.until(lambda: shelf.known.plans.get("starter"))
            assert [url in line for line in shelf.home.said] == [True]
