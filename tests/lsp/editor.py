"""An editor that speaks the protocol byte by byte, and so can be as impolite as a test needs."""

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from tests.lsp.scripted_model import PATIENCE

URI = "file:///project/example.py"
Answerer = Callable[[Any], Any]
CAPABLE: dict[str, Any] = {
    "window": {"workDoneProgress": True, "showDocument": {"support": True}},
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "workspaceEdit": {
            "documentChanges": True,
            "changeAnnotationSupport": {"groupsOnLabel": True},
        },
    },
}


class RequestError(Exception):
    """The server answered with an error."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: int = error["code"]


class Editor:
    """A language server's process and the wire to it. Use as an async context manager."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.notifications: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.stderr = b""
        self.answer: dict[str, Answerer] = {
            "window/workDoneProgress/create": lambda params: None,
            "window/showDocument": lambda params: {"success": True},
            "workspace/configuration": lambda params: [None for _ in params["items"]],
            "workspace/applyEdit": lambda params: {"applied": True},
            "client/registerCapability": lambda params: None,
        }
        self.deaf_to: set[str] = set()
        """Requests of the server that are never answered."""
        self.version = 0
        self._environment = {**os.environ, **environment}
        self._ids = itertools.count(1)
        self._waiting: dict[object, asyncio.Future[Any]] = {}
        self._arrived = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Editor":
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "assistant_lsp",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        self._tasks = [
            asyncio.ensure_future(self._read()),
            asyncio.ensure_future(self._read_stderr()),
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.returncode is None:
            self.close_stdin()
            await asyncio.wait_for(self.process.wait(), PATIENCE)
        await asyncio.wait(self._tasks)

    async def start(
        self,
        capabilities: Mapping[str, Any] = CAPABLE,
        *,
        encoding: str = "utf-16",
        options: object = None,
        name: str = "editor of the tests",
        folders: Sequence[Mapping[str, str]] = (),
        trace: str = "off",
    ) -> dict[str, Any]:
        """Initialize; returns the server's capabilities.

        Without options of its own, no test's model is asked for what nobody waits for.
        """
        if options is None:
            options = {"completion": {"ahead": False, "candidates": 1}}
        general = {"general": {"positionEncodings": [encoding]}}
        params = {
            "processId": None,
            "rootUri": None,
            "capabilities": {**capabilities, **general},
            "initializationOptions": options,
            "clientInfo": {"name": name},
            "workspaceFolders": [*folders] or None,
            "trace": trace,
        }
        result = await self.request("initialize", params)
        self.notify("initialized", {})
        answered: dict[str, Any] = result["capabilities"]
        return answered

    def open(self, text: str, *, uri: str = URI, language: str = "python") -> None:
        self.version = 1
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, text: str, span: object = None, *, uri: str = URI) -> None:
        """Replace a range, or everything."""
        self.version += 1
        change = {"text": text} if span is None else {"text": text, "range": span}
        params = {
            "textDocument": {"uri": uri, "version": self.version},
            "contentChanges": [change],
        }
        self.notify("textDocument/didChange", params)

    def ask_ghost(self, line: int, character: int, *, uri: str = URI) -> "asyncio.Future[Any]":
        return self.send_request("textDocument/inlineCompletion", at(line, character, uri))

    async def ghost(self, line: int, character: int, *, uri: str = URI) -> str:
        """The ghost text at a place, or empty."""
        result = await answered(self.ask_ghost(line, character, uri=uri))
        return str(result["items"][0]["insertText"]) if result["items"] else ""

    async def loaded_ghost(self, line: int, character: int, *, uri: str = URI) -> str:
        """The same, when the model is loaded, which began with the document."""
        await self.wait_for("$/progress", lambda params: params["value"]["kind"] == "end")
        return await self.ghost(line, character, uri=uri)

    async def request(self, method: str, params: object) -> Any:
        """Send a request and wait for its answer. Raises RequestError."""
        return await answered(self.send_request(method, params))

    def send_request(self, method: str, params: object) -> "asyncio.Future[Any]":
        """Send a request, whose number is then `last_id`."""
        number = next(self._ids)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.expect(number, future)
        self.last_id = number
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return future

    def expect(self, number: object, future: "asyncio.Future[Any]") -> None:
        """Have `future` end with the answer that has that number."""
        self._waiting[number] = future

    def notify(self, method: str, params: object) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def send(self, message: object) -> None:
        self.send_bytes(json.dumps(message).encode())

    def send_bytes(self, body: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def close_stdin(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def wait_for(self, method: str, fits: Callable[[Any], bool] = lambda params: True) -> Any:
        """The first notification or request of the server, old or new, that fits."""

        def found() -> list[Any]:
            messages = self.notifications + self.requests
            return [m["params"] for m in messages if m["method"] == method and fits(m["params"])]

        async with asyncio.timeout(PATIENCE), self._arrived:
            await self._arrived.wait_for(found)
        return found()[0]

    async def until(self, ask: Callable[[], Awaitable[str]], wanted: str) -> None:
        """Ask again and again, as a user who types, for an answer."""
        async with asyncio.timeout(PATIENCE):
            while await ask() != wanted:
                await asyncio.sleep(0.01)

    def got(self, method: str) -> list[Any]:
        """The parameters of all messages of one method, so far."""
        return [m["params"] for m in self.notifications + self.requests if m["method"] == method]

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while header := await self.process.stdout.readline():
            length = int(header.removeprefix(b"Content-Length: "))
            while await self.process.stdout.readline() not in (b"\r\n", b""):
                pass
            message = json.loads(await self.process.stdout.readexactly(length))
            async with self._arrived:
                self._take(message)
                self._arrived.notify_all()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionError("the server ended"))

    async def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        while line := await self.process.stderr.readline():
            self.stderr += line

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            future = self._waiting.pop(message["id"])
            if not future.done() and "error" in message:
                future.set_exception(RequestError(message["error"]))
            elif not future.done():
                future.set_result(message.get("result"))
        elif "id" in message:
            self.requests.append(message)
            if message["method"] in self.deaf_to:
                return
            result = self.answer[message["method"]](message.get("params"))
            self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})
        else:
            self.notifications.append(message)


async def answered(future: "asyncio.Future[Any]") -> Any:
    """The answer of a request. Raises RequestError, and TimeoutError for one left hanging."""
    async with asyncio.timeout(PATIENCE):
        return await future


def at(line: int, character: int, uri: str = URI) -> dict[str, Any]:
    """The parameters of a request at a place, for ghost text and popup."""
    return {
        "textDocument": {"uri": uri},
        "position": {"line": line, "character": character},
        "context": {"triggerKind": 1},
    }


def span(line: int, character: int, end_line: int, end_character: int) -> dict[str, Any]:
    """A range."""
    return {
        "start": {"line": line, "character": character},
        "end": {"line": end_line, "character": end_character},
    }
