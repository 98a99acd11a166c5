"""Who and what is kept out: each refused, and each logged in one line without the user's text."""

import logging
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
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
from tests.server.refused import LINE, SECRET, refused
from tests.server.scripted_engine import ScriptedEngine, ScriptedLoader

CHAT = "/v1/chat/completions"
BODY: Any = {"model": "scripted", "messages": [{"role": "user", "content": SECRET}]}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


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
