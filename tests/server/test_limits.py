"""Clients that dawdle, or want too much at once: nothing is waited for without end."""

import socket
import time
from contextlib import suppress

import httpx
import openai
import pytest

from assistant.server.limits import Limits
from tests.server.live import TOKEN, Live, live
from tests.server.refused import SECRET, refused
from tests.server.scripted_engine import ScriptedEngine, ScriptedLoader

CHAT = "/v1/chat/completions"


def connect(server: Live) -> socket.socket:
    port = int(server.url.rpartition(":")[2])
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(30)
    return connection


HEAD = (
    f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
)


def test_a_body_that_never_comes_is_not_waited_for(log: pytest.LogCaptureFixture) -> None:
    with (
        live(ScriptedLoader(), limits=Limits(body_seconds=0.2, grace_seconds=0)) as server,
        connect(server) as connection,
    ):
        connection.sendall(HEAD.encode() + b"{")
        answer = until_ended(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"body_timeout" in answer
    assert refused(log, 408, "body_timeout", f"POST {CHAT}")


@pytest.mark.parametrize("sent", [b"", b"GET /health HT", HEAD.encode()[:40]])
def test_a_request_that_never_begins_is_not_waited_for(sent: bytes) -> None:
    limits = Limits(head_seconds=0.2, grace_seconds=0)
    with live(ScriptedLoader(), limits=limits) as server, connect(server) as connection:
        connection.sendall(sent)
        assert ended(connection)


def test_the_rest_of_a_refused_body_is_not_read_for_ever() -> None:
    limits = Limits(drain_seconds=0.2, grace_seconds=0)
    with live(ScriptedLoader(), limits=limits) as server, connect(server) as connection:
        connection.sendall(HEAD.replace(TOKEN, "wrong").encode() + b"{")
        assert until_ended(connection).startswith(b"HTTP/1.1 401 ")


def test_a_connection_goes_on_after_a_refused_body() -> None:
    limits = Limits(drain_seconds=0.2, head_seconds=0.2, grace_seconds=0)
    with live(ScriptedLoader(), limits=limits) as server, connect(server) as connection:
        request = HEAD.replace(TOKEN, "wrong").encode() + b"x" * 100
        connection.sendall(request)
        began = time.monotonic()
        while time.monotonic() < began + 0.5:
            server.health()
        connection.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert until_ended(connection).count(b"HTTP/1.1 401 ") == 2


def test_there_are_only_so_many_connections() -> None:
    limits = Limits(connections=2, grace_seconds=0)
    with live(ScriptedLoader(), limits=limits) as server:
        first, second = connect(server), connect(server)
        first.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert first.recv(4096).startswith(b"HTTP/1.1 200 ")
        with connect(server) as third:
            assert ended(third)
        first.close()
        second.close()
        deadline = time.monotonic() + 30
        while server.health_or_none() is None:
            assert time.monotonic() < deadline


def until_ended(connection: socket.socket) -> bytes:
    """All that the server says until it closes the connection."""
    said = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(4096):
            said += part
    return said


def ended(connection: socket.socket) -> bool:
    """Whether the server closes the connection, without a word more."""
    return until_ended(connection) == b""


def test_too_many_answers_at_once(log: pytest.LogCaptureFixture) -> None:
    limits = Limits(queue=3, grace_seconds=0)
    with live(ScriptedLoader(), limits=limits) as server:
        client = server.client()
        with client.completions.create(
            model="scripted", prompt="for ever", n=2, stream=True
        ) as stream:
            next(stream)
            with pytest.raises(openai.RateLimitError, match="2 answers are being made") as error:
                client.completions.create(model="scripted", prompt=SECRET, n=2)
            assert int(error.value.response.headers["Retry-After"]) > 0
            assert error.value.code == "queue_full"
    assert refused(log, 429, "queue_full", "POST /v1/completions")


@pytest.mark.parametrize("stream", [True, False])
def test_a_request_that_takes_too_long(stream: bool) -> None:
    engine = ScriptedEngine()
    limits = Limits(answer_seconds=0.3, grace_seconds=0)
    with live(ScriptedLoader({"scripted": engine}), limits=limits) as server:
        with pytest.raises(openai.APIError, match="request_minutes") as error:
            list(
                server.client().completions.create(
                    model="scripted", prompt="for ever", stream=stream
                )
            )
        assert error.value.code == "request_timeout"
        if isinstance(error.value, openai.APIStatusError):
            assert error.value.status_code == 504
            assert error.value.response.headers["X-Should-Retry"] == "false"
        assert engine.cancelled.wait(30)


def test_refusals_do_not_fill_the_disk(log: pytest.LogCaptureFixture) -> None:
    with live(ScriptedLoader()) as server, httpx.Client(trust_env=False) as http:
        for _ in range(250):
            http.get(f"{server.url}/v1/models")
    lines = [record.getMessage() for record in log.records if "refused" in record.getMessage()]
    assert 100 <= len(lines) <= 200
    assert "; more of them are not logged" in log.text
