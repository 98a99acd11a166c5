"""Finding, starting and replacing real server processes."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant import __version__, paths
from assistant.client import ModelCard, ModelClient
from assistant.client.health import ask_health
from assistant.client.record import ModelChoice, ServerRecord, read_record
from assistant.config import Settings
from assistant.errors import ServerError
from assistant.messages import CompletionRequest, SamplingParams
from assistant.prompts import Wording
from assistant.server.priority import NICE
from tests.server.processes import SCRIPTED, lines_until, server_process
from tests.server.scripted_server import CRASH, MISSING

PARAMS = SamplingParams()


@asynccontextmanager
async def client_of(**settings: Any) -> AsyncIterator[ModelClient]:
    client = ModelClient(Settings(**settings), command=SCRIPTED)
    try:
        yield client
    finally:
        await client.aclose()


def the_record() -> ServerRecord:
    record = read_record()
    assert record is not None
    return record


async def test_a_server_is_started_and_then_found() -> None:
    said: list[str] = []
    async with client_of() as client:
        card = await client.ready(said.append)
        line = "starter: words alone"
        assert card == ModelCard(
            "starter", 512, Wording.BRIEF, True, True, ("suffix", "prefix"), line, loaded=True
        )
        assert said[0] == "starting the model server"
        assert the_record().by_front_end
        first = the_record()
    async with client_of() as client:
        said.clear()
        assert await client.ready(said.append) == card
        assert said == []
        assert the_record() == first


async def test_a_server_that_nobody_started_by_hand_lets_all_else_compute_first() -> None:
    async with client_of() as client:
        await client.ready()
        mine = os.getpriority(os.PRIO_PROCESS, 0)
        pid = the_record().pid
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(mine + NICE, 19)
        threads = Path(f"/proc/{pid}/task")
        for thread in threads.iterdir() if threads.exists() else ():
            assert os.getpriority(os.PRIO_PROCESS, int(thread.name)) == min(mine + NICE, 19)
        session = Path(f"/proc/{pid}/autogroup")
        if session.exists():
            assert session.read_text().split()[1:] in ([], ["nice", str(NICE)])


async def test_loading_is_told_to_all_who_wait_and_they_share_one_start() -> None:
    said: list[str] = []
    heard: list[str] = []

    def hear(line: str) -> None:
        heard.append(line)
        if line == "loading slow":
            (paths.state_dir() / "go").touch()

    async with client_of(model="slow") as client, client_of(model="slow") as other:
        cards = await asyncio.gather(
            client.ready(said.append), client.ready(hear), other.ready(), other.ready()
        )
    assert len(set(cards)) == 1
    assert said == ["starting the model server", "loading slow"]
    assert heard[-1] == "loading slow"


async def test_whoever_gives_up_waiting_leaves_the_others_waiting() -> None:
    loading = asyncio.Event()

    def hear(line: str) -> None:
        if line == "loading slow":
            loading.set()

    async with client_of(model="slow") as client:
        first = asyncio.create_task(client.ready(hear))
        second = asyncio.create_task(client.ready())
        await loading.wait()
        first.cancel()
        (paths.state_dir() / "go").touch()
        assert (await second).name == "slow"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_model_that_is_missing_is_told_in_the_servers_words() -> None:
    async with client_of(model="missing") as client:
        for _ in range(2):
            with pytest.raises(ServerError) as error:
                await client.complete(CompletionRequest("a"), PARAMS)
            assert str(error.value) == MISSING


async def test_a_server_that_crashes_leaves_its_last_words() -> None:
    async with client_of(model="crash") as client:
        with pytest.raises(ServerError) as error:
            await client.ready()
    assert str(error.value) == CRASH


async def test_a_server_that_cannot_be_started() -> None:
    client = ModelClient(Settings(), command=["/no/such/python"])
    with pytest.raises(ServerError, match="cannot be started"):
        await client.ready()


async def test_a_killed_server_is_started_again() -> None:
    async with client_of() as client:
        assert await client.complete(CompletionRequest("a b"), PARAMS) == "ab"
        killed = the_record()
        os.kill(killed.pid, signal.SIGKILL)
        assert await client.complete(CompletionRequest("c d"), PARAMS) == "cd"
        assert the_record().pid != killed.pid
        os.kill(the_record().pid, signal.SIGKILL)
        stream = client.stream_complete(CompletionRequest("e f"), PARAMS)
        assert "".join([text async for text in stream]) == "ef"
        os.kill(the_record().pid, signal.SIGTERM)
        assert (await client.ready()).name == "starter"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_request_of_which_nothing_was_seen_is_repeated(stream: bool) -> None:
    async with client_of() as client:
        request = CompletionRequest("die once")
        if stream:
            pieces = [text async for text in client.stream_complete(request, PARAMS)]
            assert "".join(pieces) == "dieonce"
        else:
            assert await client.complete(request, PARAMS) == "dieonce"


async def test_a_request_of_which_something_was_seen_is_not_repeated() -> None:
    async with client_of() as client:
        answer = client.stream_complete(CompletionRequest("die when told"), PARAMS)
        assert await anext(answer) == "begin"
        (paths.state_dir() / "go").touch()
        with pytest.raises(ServerError, match="broke off"):
            await anext(answer)
        assert await client.complete(CompletionRequest("a"), PARAMS) == "a"


async def test_a_changed_setting_just_works() -> None:
    said: list[str] = []
    async with client_of(model="one") as client:
        await client.ready()
        first = the_record().pid
    async with client_of(model="two") as client:
        assert (await client.ready(said.append)).name == "two"
    assert said[0] == "ending the model server that holds one"
    assert the_record().pid != first


async def test_a_server_of_another_version_is_replaced() -> None:
    async with client_of() as client:
        await client.ready()
        first = the_record()
        content = json.loads(paths.server_file().read_text())
        paths.server_file().write_text(json.dumps({**content, "version": "0.0.1"}))
        await client.ready()
        assert the_record().pid != first.pid
        assert the_record().version == __version__


async def test_a_server_that_the_user_started_is_used_and_never_ended() -> None:
    with server_process(environment={"ASSISTANT_MODEL": "mine"}) as process:
        await asyncio.to_thread(lines_until, process, "ready")
        async with client_of(model="mine") as client:
            assert (await client.ready()).name == "mine"
        async with client_of(model="other", quantization="nf4") as client:
            with pytest.raises(ServerError) as error:
                await client.ready()
            for part in (str(process.pid), "serves mine", "other with quantization nf4"):
                assert part in str(error.value)
        assert process.poll() is None


def record_of(pid: int, url: str = "http://127.0.0.1:9") -> ServerRecord:
    return ServerRecord(url, pid, __version__, ModelChoice.of(Settings()), by_front_end=True)


async def test_a_server_that_is_gone_is_no_server() -> None:
    record_of(os.getpid()).write()
    async with client_of() as client:
        assert (await client.ready()).name == "starter"
    assert the_record().pid != os.getpid()


async def test_a_process_that_is_not_the_recorded_one_gets_no_token() -> None:
    async with client_of() as client:
        await client.ready()
    url = the_record().url
    assert ask_health(record_of(the_record().pid, url)) is not None
    assert ask_health(record_of(os.getpid(), url)) is None
    assert ask_health(record_of(2**22 - 1, url)) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"url": 5}', '{"model": {}}', "\0"])
def test_a_damaged_record_is_no_server(content: str) -> None:
    paths.write_atomically(paths.server_file(), content)
    assert read_record() is None


def test_a_record_is_read_as_it_was_written() -> None:
    record_of(5).write()
    assert read_record() == record_of(5)
    record_of(6).remove()
    assert read_record() == record_of(5)
    record_of(5).remove()
    assert read_record() is None


def test_paths_mean_the_same_in_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    choice = ModelChoice.of(Settings(model="./mine", adapter="tuned"))
    assert (choice.model, choice.adapter) == (str(tmp_path / "mine"), str(tmp_path / "tuned"))
    for name, value in choice.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir("/")
    assert ModelChoice.of(Settings()) == choice
    assert ModelChoice.of(Settings(model="starter", adapter="")).adapter is None
