"""A server that behaves like the model hub, well or badly."""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from assistant.registry import load_registry

NAME = "vicuna-13b"
REPOSITORY = load_registry()[NAME].gptq_repository
WEIGHTS = b"".join(number.to_bytes(4, "big") for number in range(768_000))
_COMMIT = "c" * 40


def small_files() -> dict[str, bytes]:
    return {
        "config.json": b'{"model_type": "llama"}',
        "model.safetensors": WEIGHTS,
        "quantize_config.json": b'{"bits": 4}',
        "tokenizer.json": b"{}",
        "tokenizer.model": b"\x00\x01",
        "pytorch_model.bin": b"never fetched",
        "modeling_evil.py": b"never fetched",
        "onnx/model.safetensors": b"never fetched",
        "README.md": b"never fetched",
    }


@dataclass
class Hub:
    """What the server holds and how it misbehaves."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=small_files)
    served: dict[str, bytes] = field(default_factory=dict)
    """Bytes sent in place of those that the listing promises."""
    break_after: dict[str, int] = field(default_factory=dict)
    """The connection breaks after so many bytes of a file, each time."""
    break_times: int = 10**6
    status: dict[str, int] = field(default_factory=dict)
    ranges: bool = True
    """Whether it knows ranges; without, it sends whole files."""
    ranged_times: int = 10**6
    """How many requests it answers with ranges."""
    shift: int = 0
    """By how much its ranges are others than those asked for."""
    refusals: list[str | None] = field(default_factory=list)
    """Requests answered 429, each with this Retry-After, before any other is served."""
    on_bytes: Callable[[], object] = lambda: None
    """Called while a file is sent, when its `pause_after` bytes are."""
    pause_after: int = 10**9
    down: bool = False
    """Whether it takes connections and says nothing."""
    missing: bool = False
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    authorizations: set[str | None] = field(default_factory=set)
    times: list[float] = field(default_factory=list)
    """When each of `requests` came, and the refused ones too."""
    open: set[int] = field(default_factory=set)
    """The connections that are open now, by the client's port."""
    most_open: int = 0

    def listing(self) -> dict[str, object]:
        return {
            "id": REPOSITORY,
            "sha": _COMMIT,
            "siblings": [self._sibling(name, data) for name, data in self.files.items()],
        }

    def _sibling(self, name: str, data: bytes) -> dict[str, object]:
        blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
        entry: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": blob}
        if name.endswith((".safetensors", ".bin", ".model")):
            digest = hashlib.sha256(data).hexdigest()
            entry["lfs"] = {"size": len(data), "sha256": digest, "pointerSize": 130}
        return entry

    def fetched(self, name: str) -> list[str | None]:
        return [asked for path, asked in self.requests if path.endswith(f"/{name}")]


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        super().setup()
        self.hub.open.add(self.client_address[1])
        self.hub.most_open = max(self.hub.most_open, len(self.hub.open))

    def finish(self) -> None:
        self.hub.open.discard(self.client_address[1])
        super().finish()

    def do_GET(self) -> None:
        hub = self.hub
        if hub.down:
            raise ConnectionAbortedError
        path = self.path.split("?")[0]
        if path.startswith("/api/models/"):
            self._json(404 if hub.missing else 200, hub.listing())
            return
        if "/resolve/" in path:  # the hub itself only says where the file is
            self.send_response(302)
            self.send_header("Location", hub.url + "/cdn/" + path.split("/resolve/")[1])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        hub.times.append(time.monotonic())
        if hub.refusals:
            self._refuse(hub.refusals.pop())
            return
        hub.requests.append((path, self.headers.get("Range")))
        hub.authorizations.add(self.headers.get("Authorization"))
        self._file(path.split("/", 3)[3])

    def _json(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        self.wfile.write(body)

    def _file(self, name: str) -> None:
        hub = self.hub
        if status := hub.status.get(name):
            self._json(status, {})
            return
        data = hub.served.get(name, hub.files[name])
        start, end = 0, len(data)
        asked = self.headers.get("Range")
        if asked and hub.ranges and hub.ranged_times > 0:
            hub.ranged_times -= 1
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end = int(first) + hub.shift, min(int(last) + 1, end)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(data)}")
        else:
            self.send_response(200)
        rest = data[start:end]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        limit = hub.break_after.get(name)
        if limit is not None and len(rest) > limit and hub.break_times > 0:
            hub.break_times -= 1
            self.wfile.write(rest[:limit])
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.wfile.write(rest[: hub.pause_after])
        if len(rest) > hub.pause_after:
            self.wfile.flush()
            hub.on_bytes()
        self.wfile.write(rest[hub.pause_after :])

    def _refuse(self, retry_after: str | None) -> None:
        self.send_response(429)
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that was killed is no error here."""


@contextmanager
def serving(state: Hub) -> Iterator[None]:
    handler = type("BoundHandler", (Handler,), {"hub": state})
    server = Server(("127.0.0.1", 0), handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
