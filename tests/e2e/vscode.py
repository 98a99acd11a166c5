"""A real VS Code in a real browser, for tests to type into."""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

EXTENSION = Path(__file__).parents[2] / "editors" / "vscode"
ASSISTANT = Path(sys.executable).parent / "assistant"
PATIENCE = 120.0
"""Seconds; the model is loaded within them, on a busy machine too."""
_LOOK_AGAIN = 0.03
_SIZE = {"width": 1100, "height": 640, "deviceScaleFactor": 1, "mobile": False}

_SETTINGS: dict[str, object] = {
    "editor.fontSize": 15,
    "editor.autoClosingBrackets": "never",
    "editor.minimap.enabled": False,
    "editor.wordWrap": "on",
    "files.autoSave": "off",
    "extensions.ignoreRecommendations": True,
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "workbench.colorTheme": "Default Light Modern",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "window.commandCenter": False,
}
_KEYS = {
    "Enter": 13,
    "Escape": 27,
    "Tab": 9,
    "End": 35,
    "F1": 112,
    "b": 66,
    "p": 80,
    "s": 83,
    "z": 90,
}
_CONTROL = 2
_LIST = ".quick-input-widget"
_LIST_IS_OPEN = f"document.activeElement?.closest('{_LIST}') != null"
_TAB = ".editor-group-container.active .tab.active"
_CURSOR_IS_THERE = """
document.activeElement?.closest(".editor-group-container.active .monaco-editor.focused") != null
  && document.querySelector(".editor-group-container.active .view-line") != null
"""
_STATUS = """
[...document.querySelectorAll(".statusbar-item")]
  .filter((item) => item.id.startsWith("assistant.assistant-private"))
  .map((item) => item.querySelector("a").ariaLabel)
"""
_MIDDLE = """(selector) => {
  const box = document.querySelector(selector)?.getBoundingClientRect();
  return box && { x: box.x + Math.min(box.width, 400) / 2, y: box.y + box.height / 2 };
}"""
_TEXT = """(selector) => [...document.querySelectorAll(selector)]
  .map((found) => [...(found.querySelectorAll(".view-line").length
      ? found.querySelectorAll(".view-line") : [found])]
    .sort((one, other) => one.offsetTop - other.offsetTop)
    .map((line) => line.textContent).join("\\n"))
  .join("\\n").replaceAll("\\u00a0", " ")
"""


def find_vscode() -> tuple[str, str]:
    """Code-server and Chromium. Skips the test where there is none of either."""
    server = os.environ.get("ASSISTANT_TEST_VSCODE") or shutil.which("code-server")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if server and browser:
        return server, browser
    missing = "Chromium" if server else "code-server"
    pytest.skip(f"{missing} is not installed (ASSISTANT_TEST_VSCODE names the code-server to use)")


def package() -> Path:
    """The extension, packaged as it stands here. Skips the test where it has not been set up."""
    npm = shutil.which("npm")
    if npm is None or not (EXTENSION / "node_modules").is_dir():
        pytest.skip("the extension's own parts are not installed: run make vscode")
    done = subprocess.run(
        [npm, "run", "package"], cwd=EXTENSION, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return EXTENSION / "assistant-private.vsix"


class Browser:
    """One page in a Chromium without a screen, driven through its debugging pipe."""

    def __init__(self, executable: str, profile: Path) -> None:
        """`profile` gets what the browser keeps."""
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        # The browser reads from descriptor 3 and writes to 4, whatever ours are.
        moved = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-proxy-server")
        command = ["bash", "-c", moved, executable, *options, "--remote-debugging-pipe"]
        self._process = subprocess.Popen(
            [*command, f"--user-data-dir={profile}", "--no-first-run", "about:blank"],
            pass_fds=(to_browser, from_browser),
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._pending = b""
        self._count = 0
        self._session: str | None = None
        target = self.do("Target.createTarget", url="about:blank")["targetId"]
        attached = self.do("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.do("Page.enable")
        self.do("Emulation.setDeviceMetricsOverride", **_SIZE)

    def do(self, method: str, **parameters: object) -> dict[str, Any]:
        """One command of the DevTools protocol, and its result."""
        self._count += 1
        message: dict[str, object] = {"id": self._count, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            pass
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def evaluate(self, script: str) -> Any:
        """What an expression is worth in the page."""
        answer = self.do("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def close(self) -> None:
        os.close(self._write)  # which is how it is told to end
        self._process.wait(PATIENCE)
        os.close(self._read)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._pending:
            piece = os.read(self._read, 1 << 16)
            assert piece, "the browser is gone"
            self._pending += piece
        message, _, self._pending = self._pending.partition(b"\0")
        content: dict[str, Any] = json.loads(message)
        return content


class VSCode:
    """One window with the extension in it, and what a test wants to know of it."""

    def __init__(self, folder: Path, workspace: Path) -> None:
        """`folder` gets what belongs to the user; `workspace` is opened."""
        server, browser = find_vscode()
        user = folder / "user"
        (user / "User").mkdir(parents=True)
        self.program = folder / "assistant"
        """What the settings name as the language server."""
        self.program.symlink_to(ASSISTANT)
        (user / "User" / "settings.json").write_text(json.dumps(_SETTINGS))
        self._settings = workspace / ".vscode" / "settings.json"
        self._settings.parent.mkdir()
        self.configure({})
        places = [f"--user-data-dir={user}", f"--extensions-dir={folder / 'extensions'}"]
        config = folder / "config.yaml"
        config.write_text("auth: none\n")
        start = [server, f"--config={config}", *places]
        subprocess.run(
            [*start, f"--install-extension={package()}"], check=True, capture_output=True
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        quiet = ["--disable-telemetry", "--disable-update-check", "--disable-workspace-trust"]
        self._log = (folder / "log.txt").open("w+")
        self._server = subprocess.Popen(
            [*start, *quiet, "--auth=none", f"--bind-addr=127.0.0.1:{port}", str(workspace)],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        address = f"http://127.0.0.1:{port}"
        self.browser = Browser(browser, folder / "browser")
        self.wait("VS Code", lambda: _answers(address))
        self.browser.do("Page.navigate", url=f"{address}/?folder={workspace}")
        self.wait("the window", lambda: self.status)
        self.press("b", control=True)  # more room for the text

    # What is done --------------------------------------------------------------------------------

    def configure(self, settings: Mapping[str, object]) -> None:
        """Have these settings in the workspace, and no others but the program.

        Not among the user's: in a window of a remote machine, as this one is, what is a machine's
        own, such as a program, does not count there.
        """
        command = {"assistant.command": [str(self.program), "lsp"]}
        self._settings.write_text(json.dumps(command | dict(settings)))

    def press(self, key: str, *, control: bool = False) -> None:
        """Press and release one key."""
        parameters: dict[str, object] = {
            "key": key,
            "code": f"Key{key.upper()}" if len(key) == 1 else key,
            "windowsVirtualKeyCode": _KEYS[key],
            "modifiers": _CONTROL if control else 0,
        }
        down = {"type": "keyDown", "text": "\r"} if key == "Enter" else {"type": "rawKeyDown"}
        self.browser.do("Input.dispatchKeyEvent", **down, **parameters)
        self.browser.do("Input.dispatchKeyEvent", type="keyUp", **parameters)

    def type(self, text: str) -> None:
        """Type letter by letter, as a user does."""
        for letter in text:
            if letter == "\n":
                self.press("Enter")
            else:
                self.browser.do("Input.dispatchKeyEvent", type="keyDown", text=letter, key=letter)
                self.browser.do("Input.dispatchKeyEvent", type="keyUp", key=letter)

    def command(self, title: str) -> None:
        """Choose a command by its title, as in the palette."""
        self._choose("F1", title, title)

    def click(self, selector: str) -> None:
        """Click on the first thing that a CSS selector finds."""
        where = f"({_MIDDLE})({json.dumps(selector)})"
        self.wait(selector, lambda: self.browser.evaluate(where))
        place = self.browser.evaluate(where) | {"button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.browser.do("Input.dispatchMouseEvent", type=kind, **place)

    def open(self, path: Path, line: int = 1) -> None:
        """Edit a file of the workspace, with the cursor at the end of a line."""
        self._choose("p", f"{path.name}:{line}", path.name, control=True)
        self.wait(f"{path.name} in front", lambda: self.shown(_TAB) == path.name)
        self.wait("the cursor", lambda: self.browser.evaluate(_CURSOR_IS_THERE))
        self.press("End")

    def picture(self, path: Path) -> None:
        """Take a picture of the window."""
        image = self.browser.do("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(image["data"]))

    def _choose(self, key: str, text: str, entry: str, *, control: bool = False) -> None:
        """Open a list with a key, and choose the entry that begins so."""
        self.press(key, control=control)
        self.wait("the list", lambda: self.browser.evaluate(_LIST_IS_OPEN))
        self.browser.do("Input.insertText", text=text)
        first = f"{_LIST} .monaco-list-row.focused .label-name"
        self.wait(entry, lambda: self.shown(first).startswith(entry))
        self.press("Enter")
        self.wait("the end of the list", lambda: not self.browser.evaluate(_LIST_IS_OPEN))

    # What is seen --------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """What the status bar says of the assistant."""
        labels: list[str] = self.browser.evaluate(_STATUS)
        return labels[0] if labels else ""

    def servers(self) -> list[psutil.Process]:
        """The language servers that were started here, by whatever name the settings gave."""
        found = psutil.Process(self._server.pid).children(recursive=True)
        return [process for process in found if self._is_server(process)]

    def _is_server(self, process: psutil.Process) -> bool:
        try:
            return any(part.startswith(str(self.program)) for part in process.cmdline())
        except psutil.Error:  # it has ended meanwhile
            return False

    @property
    def text(self) -> str:
        """The text in the editor, as far as it is in view, with the ghost text in it."""
        return self.shown(".editor-group-container.active .view-lines")

    @property
    def ghost_text(self) -> str:
        """What is suggested in the line of the cursor."""
        return self.shown(".view-lines .ghost-text-decoration")

    def shown(self, selector: str) -> str:
        """The text in what a CSS selector finds, line by line from the top."""
        text: str = self.browser.evaluate(f"({_TEXT})({json.dumps(selector)})")
        return text

    def wait(self, what: str, holds: Callable[[], object]) -> None:
        """Look again and again, while VS Code goes on."""
        end = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > end:
                picture = Path(tempfile.gettempdir()) / "assistant-vscode-failed.png"
                self.picture(picture)
                raise AssertionError(f"no {what}; see {picture}; the log: {self._logged()}")
            time.sleep(_LOOK_AGAIN)

    def wait_ready(self) -> None:
        """Wait for the server, and for the model where it is being loaded."""
        self.wait_status("Assistant: ready")

    def wait_status(self, status: str) -> None:
        """Wait until the status bar says so."""
        self.wait(status, lambda: self.status == status)

    def close(self) -> None:
        self.browser.close()
        self._server.terminate()
        self._server.wait(PATIENCE)
        self._log.close()

    def _logged(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:]


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz", trust_env=False).is_success
    except httpx.TransportError:
        return False
