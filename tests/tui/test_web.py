"""The app in a browser: who may come in, and a key that is typed there."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from aiohttp import web

from assistant_tui.web.server import HOST, WebServer
from tests.e2e.vscode import Browser
from tests.lsp.scripted_model import ScriptedModel
from tests.server.test_security import CHROMIUM, site

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
PATIENCE = 120.0
FOREIGN = """<title>waiting</title><script>
const socket = new WebSocket("WHERE" + "ws?width=80&height=24");
socket.onopen = () => { document.title = "open"; };
socket.onerror = () => { document.title = "refused"; };
</script>"""


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Of a server in this process, which would run nothing of use."""
    with web_socket() as (listening, port):
        server = WebServer("true", port)
        runner = web.AppRunner(await server.application())
        await runner.setup()
        await web.SockSite(runner, listening).start()
        yield server.address
        await runner.cleanup()


async def test_the_page_and_all_that_it_loads_are_ours(address: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        page = await http.get(address)
        assert page.status_code == 200
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy
        urls = re.findall(r"""(?:href|src)="([^"]+)"|url\("([^"]+)""", page.text)
        named = [urljoin(address, one or other) for one, other in urls if one != "data:,"]
        assert len(named) == 5
        for url in named:
            assert url.startswith(address)
            assert (await http.get(url)).status_code == 200


@pytest.mark.parametrize("path", ["", "ws", "static/js/textual.js", "../download/key"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_pages_of_other_sites_are_refused(
    address: str, path: str, headers: dict[str, str]
) -> None:
    more = UPGRADE if path == "ws" else {}
    async with httpx.AsyncClient(trust_env=False) as http:
        response = await http.get(f"{address}{path}", headers={**headers, **more})
    assert response.status_code == 403


async def test_nothing_is_there_without_the_secret(address: str) -> None:
    base, secret = re.fullmatch(r"(http://127\.0\.0\.1:\d+/)(.+)/", address).groups()  # type: ignore[union-attr]
    assert len(secret) >= 40
    async with httpx.AsyncClient(trust_env=False) as http:
        for path in ("", "ws", "static/js/textual.js", f"{secret[:-1]}/", f"{secret[:-1]}/ws"):
            assert (await http.get(f"{base}{path}", headers=UPGRADE)).status_code == 404


def test_a_port_that_is_taken_and_a_folder_that_is_unknown(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "assistant", "tui", "--web", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 2
        return done.stderr

    assert "name the folder of your notes" in run()
    with web_socket() as (_, port):
        said = run(str(tmp_path), "--port", str(port))
    assert f"port {port} cannot be had" in said and said.count("\n") == 1


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
@pytest.mark.e2e
def test_a_key_typed_in_a_browser_is_on_the_disk(
    today: Path, model: ScriptedModel, tmp_path: Path
) -> None:
    assert CHROMIUM is not None
    with served(today, model) as address:
        browser = Browser(CHROMIUM, tmp_path / "profile")
        try:
            with site(FOREIGN.replace("WHERE", address.replace("http:", "ws:"))) as foreign:
                browser.do("Page.navigate", url=foreign)
                until(lambda: browser.evaluate("document.title") == "refused")
            browser.do("Page.navigate", url=address)
            painted = "document.body?.classList.contains('-first-byte')"
            until(lambda: browser.evaluate(painted))
            until(lambda: typed(browser, "Q", today))
            loaded = "JSON.stringify(performance.getEntriesByType('resource').map(e => e.name))"
            names = json.loads(browser.evaluate(loaded))
            assert names and all(name.startswith(address) for name in names)
            press(browser, "Z")
            # What was typed last is saved by a tab that is closed, too.
            browser.do("Page.navigate", url="about:blank")
            until(lambda: "Z" in today.read_text())
        finally:
            browser.close()


def typed(browser: Browser, letter: str, note: Path) -> bool:
    """Whether a letter is in the note, or else type it: before that is open, keys go nowhere."""
    if letter not in note.read_text():
        press(browser, letter)
    return letter in note.read_text()


def press(browser: Browser, letter: str) -> None:
    browser.do("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
    browser.do("Input.dispatchKeyEvent", type="keyUp", key=letter)


@contextmanager
def served(note: Path, model: ScriptedModel) -> Iterator[str]:
    """The address of `assistant tui --web` with a note."""
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "tui", "--web", str(note)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "ASSISTANT_SERVER_URL": model.url},
    )
    try:
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        yield found[0]
        process.send_signal(2)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def until(holds: Callable[[], object]) -> None:
    """Wait for what other processes do."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def web_socket() -> Iterator[tuple[socket.socket, int]]:
    """A port that is taken."""
    with socket.create_server((HOST, 0)) as listening:
        yield listening, listening.getsockname()[1]
