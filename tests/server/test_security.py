"""Who and what is kept out: each refused, and each logged in one line without the user's text."""

import logging
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil
import pytest

from assistant import paths
from assistant.client.record import read_record
from assistant.server.limits import Limits
from assistant.server.loading import EngineLoader
from tests.server.live import TOKEN, Live, live
from tests.server.processes import lines_until, server_process
from tests.server.scripted_engine import ScriptedEngine, ScriptedLoader

CHAT = "/v1/chat/completions"
SECRET = "the words of the user"
BODY: Any = {"model": "scripted", "messages": [{"role": "user", "content": SECRET}]}
LINE = re.compile(r"refused (\d+) (\w+) ([A-Z]+|other) (/\S*|other) from 127\.0\.0\.1:\d+")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the server logs, which never holds what the user wrote."""
    with caplog.at_level(logging.DEBUG, "assistant"):
        yield caplog
    assert SECRET not in caplog.text
    assert TOKEN not in caplog.text


def refused(log: pytest.LogCaptureFixture, status: int, why: str, what: str) -> bool:
    """Whether exactly this was refused, in one line."""
    lines = [record.getMessage() for record in log.records if record.name.startswith("assistant")]
    found = [LINE.fullmatch(line) for line in lines]
    log.clear()
    return [match and match.groups() for match in found] == [(str(status), why, *what.split(" "))]


def post(server: Live, path: str = CHAT, **headers: str) -> httpx.Response:
    with httpx.Client(trust_env=False) as http:
        return http.post(f"{server.url}{path}", headers=headers, json=BODY)


def test_no_token(server: Live, log: pytest.LogCaptureFixture) -> None:
    assert post(server).status_code == 401
    assert refused(log, 401, "invalid_api_key", f"POST {CHAT}")


def test_a_wrong_token(server: Live, log: pytest.LogCaptureFixture) -> None:
    for token in (f"Bearer {TOKEN}x", TOKEN, f"Bearer {TOKEN[:-1]}", "Bearer"):
        assert post(server, Authorization=token).status_code == 401
        assert refused(log, 401, "invalid_api_key", f"POST {CHAT}")


def test_the_figures_want_the_token(server: Live, log: pytest.LogCaptureFixture) -> None:
    with httpx.Client(trust_env=False) as http:
        assert http.get(f"{server.url}/metrics").status_code == 401
    assert refused(log, 401, "invalid_api_key", "GET /metrics")


def test_a_path_is_not_logged_as_it_came(server: Live, log: pytest.LogCaptureFixture) -> None:
    post(server, f"/{SECRET}")
    assert refused(log, 401, "invalid_api_key", "POST other")


def test_a_foreign_host_name(server: Live, log: pytest.LogCaptureFixture) -> None:
    authorized = {"Authorization": f"Bearer {TOKEN}"}
    assert post(server, Host="evil.example", **authorized).status_code == 403
    assert refused(log, 403, "foreign_host", f"POST {CHAT}")


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/metrics"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site(
    server: Live, log: pytest.LogCaptureFixture, path: str, headers: dict[str, str]
) -> None:
    response = server.http("GET", path, headers=headers)
    assert response.status_code == 403
    assert not any(name.startswith("access-control") for name in response.headers)
    assert refused(log, 403, "foreign_origin", f"GET {path}")


def test_a_question_before_a_request_of_another_site(
    server: Live, log: pytest.LogCaptureFixture
) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = server.http("OPTIONS", CHAT, headers=headers)
    assert response.status_code == 403
    assert not any(name.startswith("access-control") for name in response.headers)
    assert refused(log, 403, "foreign_origin", f"OPTIONS {CHAT}")


PAGE = """<!doctype html><title>evil</title><body>waiting<script>
const target = "URL", body = 'BODY';
const tries = {
  simple: {method: "POST", body, headers: {"Content-Type": "text/plain"}},
  blind: {method: "POST", body, mode: "no-cors"},
  json: {method: "POST", body, headers:
    {"Content-Type": "application/json", "Authorization": "Bearer TOKEN"}},
};
(async () => {
  const said = [];
  for (const [name, options] of Object.entries(tries)) {
    try {
      const answer = await fetch(target + "/v1/chat/completions", options);
      said.push(name + "=" + answer.type + answer.status + (await answer.text()));
    } catch (error) { said.push(name + "=failed"); }
  }
  try {
    const answer = await fetch(target + "/health");
    said.push("health=" + (await answer.text()));
  } catch (error) { said.push("health=failed"); }
  document.body.textContent = "done " + said.join(" ");
})();
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
@pytest.mark.e2e
def test_a_page_of_another_site_in_a_real_browser(
    server: Live, engine: ScriptedEngine, log: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    body = '{"model":"scripted","messages":[{"role":"user","content":"the words of the user"}]}'
    page = PAGE.replace("URL", server.url).replace("BODY", body).replace("TOKEN", TOKEN)
    with site(page) as address:
        shown = dump_dom(address, tmp_path)
    assert "done simple=failed blind=opaque0 json=failed health=failed" in shown
    assert engine.conversations == []
    lines = [record.getMessage() for record in log.records if "refused" in record.getMessage()]
    found = [match.groups() for match in map(LINE.fullmatch, lines) if match]
    assert len(found) == len(lines)
    assert {(status, why) for status, why, _, _ in found} == {("403", "foreign_origin")}
    assert {(method, route) for _, _, method, route in found} == {
        ("POST", CHAT),
        ("OPTIONS", CHAT),
        ("GET", "/health"),
    }


class site:
    """A web server with one page, as a context."""

    def __init__(self, page: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_: object) -> None:
                """Quietly."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://localhost:{self._server.server_port}/"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def dump_dom(address: str, profile: Path) -> str:
    """What a page has become after its scripts have run."""
    assert CHROMIUM is not None
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
    command = [
        CHROMIUM,
        *options,
        "--no-proxy-server",
        f"--user-data-dir={profile}",
        "--virtual-time-budget=10000",
        "--dump-dom",
        address,
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return run.stdout


GIGABYTE = 1 << 30
PIECE = b"x" * (1 << 20)


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_a_gigabyte_is_refused_and_not_kept(declared: bool) -> None:
    with server_process() as process:
        lines_until(process, "ready")
        record = read_record()
        assert record is not None
        memory = psutil.Process(process.pid).memory_info
        before = memory().rss
        most = before

        def body() -> Iterator[bytes]:
            nonlocal most
            for number in range(GIGABYTE // len(PIECE)):
                yield PIECE
                if number % 32 == 0:
                    most = max(most, memory().rss)

        headers = {"Authorization": f"Bearer {paths.token_file().read_text()}"}
        if declared:
            headers["Content-Length"] = str(GIGABYTE)
        with httpx.Client(trust_env=False, timeout=60) as http:
            response = http.post(f"{record.url}{CHAT}", headers=headers, content=body())
        assert response.status_code == 413
        assert response.json()["error"]["code"] == "request_too_large"
        assert most - before < 4 * Limits().body_bytes
        process.terminate()
        assert process.stderr is not None
        (line,) = process.stderr.read().splitlines()
        assert LINE.fullmatch(line)
        assert line.startswith(f"refused 413 request_too_large POST {CHAT}")


@pytest.mark.parametrize(
    "name", ["../x", "/etc", "a/b:c", "a\\b", "a\0b", "~root", ".", "..", "", "scripted:../x"]
)
def test_a_path_in_a_models_name(
    server: Live, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def touched(*_: object, **__: object) -> None:
        raise AssertionError("the disk was asked")

    for method in ("stat", "is_file", "open", "glob"):
        monkeypatch.setattr(Path, method, touched)
    response = server.http("POST", CHAT, json={**BODY, "model": name})
    monkeypatch.undo()
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"
    assert refused(log, 404, "model_not_found", f"POST {CHAT}")


def test_a_pickle_in_a_models_folder(log: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    folder = paths.models_dir() / "poisoned"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer.json").write_text("{}")
    # What `pickle.loads` would make of it: os.system("touch ...").
    (folder / "pytorch_model.bin").write_bytes(
        b"cos\nsystem\n(S'touch " + os.fsencode(opened) + b"'\ntR."
    )

    class Checked(EngineLoader, ScriptedLoader):
        load = ScriptedLoader.load
        free = ScriptedLoader.free

        def __init__(self) -> None:
            ScriptedLoader.__init__(self)

    with live(Checked()) as server:
        with pytest.raises(openai.InternalServerError, match="a pickle file") as error:
            server.client().chat.completions.create(**{**BODY, "model": "poisoned"})
        assert error.value.code == "model_damaged"
        assert server.client().chat.completions.create(**BODY).choices
    assert not opened.exists()
    lines = [record.getMessage() for record in log.records if record.levelno >= logging.WARNING]
    assert len(lines) == 2
    assert lines[0].startswith("poisoned could not be loaded: ")
    assert lines[1].startswith(f"refused 500 model_damaged POST {CHAT} from ")


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
