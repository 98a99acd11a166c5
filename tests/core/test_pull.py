"""Pulling: against a server that behaves like the model hub, well or badly."""

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from assistant import download
from assistant import pull as pulling
from assistant.download import PullError
from assistant.errors import ModelNotFoundError, UsageError
from assistant.pull import pull, remove
from assistant.registry import folder_of, installed, load_registry, locate

NAME = "vicuna-13b"
REPOSITORY = load_registry()[NAME].gptq_repository
COMMIT = "c" * 40
WEIGHTS = bytes(range(256)) * 12_000  # several chunks


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
    missing: bool = False
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    authorizations: set[str | None] = field(default_factory=set)

    def listing(self) -> dict[str, object]:
        return {
            "id": REPOSITORY,
            "sha": COMMIT,
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

    def do_GET(self) -> None:
        hub = self.hub
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
        start = 0
        asked = self.headers.get("Range")
        if asked and hub.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        rest = data[start:]
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
        self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    state = Hub()
    handler = type("BoundHandler", (Handler,), {"hub": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", state.url)
    monkeypatch.setattr(download, "_RETRY_SECONDS", 0.01)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_complete_pull(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    folder = pull(NAME, on_progress=lines.append)
    assert folder == folder_of(NAME, "gptq")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        name: data for name, data in hub.files.items() if data != b"never fetched"
    }
    assert lines[-1] == f"{NAME}: 3.1 MB of 3.1 MB"
    assert installed()[NAME] == ["gptq"]
    assert locate(NAME).folder == folder
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    assert pull(NAME) == folder  # what is here already needs no network


def test_a_break_in_the_middle_of_a_file_is_bridged(hub: Hub) -> None:
    hub.break_after["model.safetensors"] = 2_000_000
    folder = pull(NAME)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    asked = hub.fetched("model.safetensors")
    assert asked[0] is None
    assert asked[1] is not None
    assert int(asked[1].removeprefix("bytes=").removesuffix("-")) > 1_000_000


def test_an_interrupted_pull_goes_on_at_the_next_command(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_RETRIES", 0)
    monkeypatch.setattr(download, "_CHUNK", 100_000)
    hub.break_after["model.safetensors"] = 2_000_000
    with pytest.raises(PullError, match=r"model\.safetensors cannot be fetched.*same command"):
        pull(NAME)
    partial = folder_of(NAME, "gptq").with_name("vicuna-13b-gptq.partial")
    assert partial.is_dir()
    assert NAME not in installed()
    with pytest.raises(ModelNotFoundError):
        locate(NAME)
    hub.break_after.clear()
    hub.requests.clear()
    (partial / "config.json").write_bytes(hub.files["config.json"])
    folder = pull(NAME)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert hub.fetched("model.safetensors") == ["bytes=2000000-"]
    assert hub.fetched("config.json") == []
    assert not partial.exists()


def test_a_server_without_ranges_sends_everything_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_CHUNK", 100_000)
    hub.break_after["model.safetensors"] = 2_000_000
    hub.break_times, hub.ranges = 1, False
    folder = pull(NAME)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("model.safetensors", WEIGHTS[:-1] + b"x"),
        ("model.safetensors", WEIGHTS[:-1]),
        ("model.safetensors", WEIGHTS + b"x"),
        ("config.json", b'{"model_type": "other"}'),
    ],
    ids=["other bytes", "too short", "too long", "small file"],
)
def test_damaged_files_are_noticed(hub: Hub, name: str, wrong: bytes) -> None:
    hub.served[name] = wrong
    with pytest.raises(PullError, match=r"damaged|cannot be fetched"):
        pull(NAME)
    assert NAME not in installed()
    hub.served.clear()
    assert (pull(NAME) / name).read_bytes() == hub.files[name]


def test_a_file_that_changed_on_the_hub_is_fetched_anew(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.status["model.safetensors"] = 404
    with pytest.raises(PullError, match="cannot be fetched"):
        pull(NAME)
    hub.status.clear()
    hub.files["config.json"] = b'{"model_type": "lLama"}'
    assert (pull(NAME) / "config.json").read_bytes() == b'{"model_type": "lLama"}'


def test_a_disk_too_small_is_refused_beforehand(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "free_bytes", lambda: 2_000_000)
    with pytest.raises(PullError, match=r"needs 3\.1 MB more and 2\.0 MB are free.*ASSISTANT_HOME"):
        pull(NAME)
    assert hub.requests == []


def test_pickled_weights_are_refused_with_the_reason(hub: Hub) -> None:
    del hub.files["model.safetensors"], hub.files["onnx/model.safetensors"]
    with pytest.raises(PullError, match=r"pickled weights alone \(pytorch_model\.bin\)"):
        pull(NAME, "full")
    del hub.files["pytorch_model.bin"]
    with pytest.raises(PullError, match="holds no weights"):
        pull(NAME)
    assert hub.requests == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_licence_to_accept(hub: Hub, status: int) -> None:
    hub.status["model.safetensors"] = status
    with pytest.raises(PullError, match=r"asks for its licence to be accepted.*HF_TOKEN"):
        pull(NAME)


def test_the_token_stays_with_the_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.url = hub.url.replace("127.0.0.1", "localhost")  # what the hub redirects to
    pull(NAME)
    assert hub.authorizations == {None}


def test_an_unknown_repository(hub: Hub) -> None:
    hub.missing = True
    with pytest.raises(PullError, match=f"no repository {REPOSITORY}"):
        pull(NAME)


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(PullError, match="cannot be fetched from the model hub") as caught:
        pull(NAME)
    assert "\n" not in str(caught.value)
    assert "same command again" in str(caught.value)
    assert not folder_of(NAME, "gptq").with_name("vicuna-13b-gptq.partial").exists()


def test_two_pulls_of_one_model(hub: Hub) -> None:
    blocked = threading.Event()
    errors: list[PullError] = []

    def second(_: str) -> None:
        if not blocked.is_set():
            blocked.set()
            try:
                pull(NAME)
            except PullError as error:
                errors.append(error)

    pull(NAME, on_progress=second)
    assert "by another process" in str(errors[0])


def test_an_interrupt_stops_all_threads(hub: Hub) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(NAME, on_progress=interrupt)
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]
    assert (pull(NAME) / "model.safetensors").read_bytes() == WEIGHTS


def test_remove(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pull(NAME)
    freed = remove(NAME)
    assert freed == sum(len(data) for data in hub.files.values() if data != b"never fetched")
    assert not folder.exists()
    with pytest.raises(ModelNotFoundError, match="nothing to remove"):
        remove(NAME)
    with pytest.raises(ModelNotFoundError, match="no model is called"):
        remove("vicunna")


def test_remove_of_one_variant_and_of_what_was_interrupted(tmp_path: Path) -> None:
    full, quantized = folder_of(NAME, "full"), folder_of(NAME, "gptq")
    partial = full.with_name(full.name + ".partial")
    for folder in (full, quantized, partial):
        folder.mkdir(parents=True)
    remove("vicuna-13b-gptq")
    assert (full.is_dir(), quantized.is_dir(), partial.is_dir()) == (True, False, True)
    remove(NAME)
    assert (full.is_dir(), partial.is_dir()) == (False, False)


@pytest.mark.parametrize("name", ["../precious", "/tmp/precious", ".", "..", "starter", "~"])
def test_nothing_else_is_ever_removed(name: str) -> None:
    with pytest.raises((UsageError, ModelNotFoundError)):
        remove(name)


def test_what_cannot_be_pulled() -> None:
    with pytest.raises(UsageError, match="part of the program"):
        pull("starter")
    with pytest.raises(PullError, match="not known in a GPTQ variant"):
        pull("starcoder2-7b", "gptq")


def test_an_installation_without_the_hubs_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "find_module", lambda _: None)
    with pytest.raises(PullError, match=r"install `assistant\[server\]`"):
        pull(NAME)
