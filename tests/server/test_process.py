"""The life of a real server process."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import openai
import pytest

from assistant import paths
from assistant.client.health import ask_health
from assistant.client.record import FRONT_END_VARIABLE, ServerRecord, read_record
from assistant.server.run import listen
from tests.server.processes import lines_until, next_line, server_process
from tests.server.scripted_server import MISSING

PATIENCE = 60.0


def the_record() -> ServerRecord:
    record = read_record()
    assert record is not None
    return record


def the_record_is_there() -> bool:
    return read_record() is not None


def client() -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{the_record().url}/v1", api_key=paths.token_file().read_text(), max_retries=0
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_and_what_it_generates(number: signal.Signals) -> None:
    with server_process() as process:
        assert next_line(process).startswith("listening at http://127.0.0.1:")
        assert next_line(process) == "ready: starter: words alone"
        assert the_record().pid == process.pid
        assert not the_record().by_front_end
        mine = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == mine  # as who started it wants
        stream = client().completions.create(model="starter", prompt="for ever", stream=True)
        assert next(stream).choices[0].text == "begin"
        process.send_signal(number)
        with pytest.raises(openai.APIError, match="ending"):
            next(stream)
        assert process.wait(PATIENCE) == 0
        assert read_record() is None


def test_the_token_is_the_owners_alone(sealed_home: Path) -> None:
    with server_process() as process:
        next_line(process)
        token = paths.token_file()
        assert stat.S_IMODE(token.stat().st_mode) == 0o600
        assert len(token.read_text()) >= 40
        assert stat.S_IMODE(paths.state_dir().stat().st_mode) == 0o700


def test_a_token_that_others_could_read_is_replaced() -> None:
    paths.write_atomically(paths.token_file(), "known to all", mode=0o644)
    with server_process() as process:
        next_line(process)
        assert paths.token_file().read_text() != "known to all"
        assert stat.S_IMODE(paths.token_file().stat().st_mode) == 0o600


def test_two_that_start_at_once_end_with_one() -> None:
    with server_process() as first, server_process() as second:
        said = {process: next_line(process) for process in (first, second)}
        winner, loser = sorted(said, key=lambda process: said[process].startswith("a model server"))
        assert said[winner].startswith("listening at")
        assert said[loser].startswith("a model server is already running")
        assert loser.wait(PATIENCE) == 0
        assert the_record().pid == winner.pid
        lines_until(winner, "ready")
        assert client().models.list().data[0].id == "starter"


def test_a_killed_server_leaves_nothing_that_hinders_the_next() -> None:
    with server_process() as process:
        lines_until(process, "ready")
        process.kill()
        process.wait(PATIENCE)
    assert ask_health(the_record()) is None
    with server_process() as process:
        lines_until(process, "ready")
        assert the_record().pid == process.pid


def test_one_of_a_front_ends_ends_when_nobody_asks_any_more() -> None:
    environment = {FRONT_END_VARIABLE: "1"}
    with server_process("--idle-minutes", "0.002", environment=environment) as process:
        assert lines_until(process, "ending")[-1] == (
            "ending after 0.002 minutes without a request"
        )
        assert process.wait(PATIENCE) == 0


def test_by_hand_it_frees_its_model_when_nobody_asks_and_loads_it_again() -> None:
    with server_process("--idle-minutes", "0.002") as process:
        freed = "freed the memory of starter after 0.002 minutes without a request"
        assert lines_until(process, "freed")[-1] == freed
        health = ask_health(the_record())
        assert health is not None
        assert (health.status, health.model) == ("unloaded", "starter")
        assert client().models.list().data[0].model_dump()["context"] == 512
        answer = client().completions.create(model="starter", prompt="well again")
        assert answer.choices[0].text == "wellagain"
        assert next_line(process) == freed


def test_running_answers_get_a_time_of_grace_and_new_ones_are_refused() -> None:
    with server_process("--grace-seconds", "60") as process:
        lines_until(process, "ready")
        other = client()
        stream = client().completions.create(model="starter", prompt="until told", stream=True)
        assert next(stream).choices[0].text == "begin"
        process.send_signal(signal.SIGTERM)
        while the_record_is_there():
            pass
        with pytest.raises(openai.InternalServerError, match="ending") as error:
            other.completions.create(model="starter", prompt="a")
        assert error.value.code == "server_ending"
        (paths.state_dir() / "go").touch()
        assert "".join(piece.choices[0].text for piece in stream) == "untiltold"
        assert process.wait(PATIENCE) == 0


def test_interrupting_twice_waits_for_nobody() -> None:
    with server_process("--grace-seconds", "600") as process:
        lines_until(process, "ready")
        stream = client().completions.create(model="starter", prompt="for ever", stream=True)
        assert next(stream).choices[0].text == "begin"
        process.send_signal(signal.SIGINT)
        while the_record_is_there():
            pass
        process.send_signal(signal.SIGINT)
        with pytest.raises(openai.APIError, match="ending"):
            next(stream)
        assert process.wait(PATIENCE) == 0


def test_it_answers_while_it_loads() -> None:
    with server_process(environment={"ASSISTANT_MODEL": "slow"}) as process:
        next_line(process)
        health = ask_health(the_record())
        assert health is not None
        assert (health.status, health.model, health.detail) == ("loading", "slow", "loading slow")
        with pytest.raises(openai.InternalServerError, match="loading slow"):
            client().models.list()
        (paths.state_dir() / "go").touch()
        assert next_line(process) == "ready: slow: words alone"
        assert client().models.list().data[0].id == "slow"


def test_by_hand_a_model_that_is_missing_ends_it_with_the_reason() -> None:
    with server_process(environment={"ASSISTANT_MODEL": "missing"}) as process:
        assert process.wait(PATIENCE) == 1
        assert process.stderr is not None
        assert process.stderr.read().strip() == f"assistant: {MISSING}"


def test_a_front_end_is_told_why_before_it_ends() -> None:
    environment = {"ASSISTANT_MODEL": "missing", FRONT_END_VARIABLE: "1"}
    with server_process(environment=environment) as process:
        next_line(process)
        health = ask_health(the_record())
        while health is not None and health.status == "loading":
            health = ask_health(the_record())
        assert health is not None
        assert (health.status, health.detail) == ("failed", MISSING)
        assert process.wait(PATIENCE) == 1


def test_a_port_that_is_taken() -> None:
    with server_process() as first:
        next_line(first)
        port = the_record().url.rpartition(":")[2]
        elsewhere = {"ASSISTANT_HOME": str(paths.state_dir() / "elsewhere")}
        with server_process("--port", port, environment=elsewhere) as second:
            assert second.wait(PATIENCE) == 1
            assert second.stderr is not None
            assert "choose another with --port" in second.stderr.read()


def test_it_loads_no_model_library_to_say_that_it_is_loading() -> None:
    code = "import assistant.server.run, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


async def test_small_packets_are_sent_at_once() -> None:
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def look(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        accepted.set_result(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(look, sock=listen(0)) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await accepted != 0
        writer.close()
