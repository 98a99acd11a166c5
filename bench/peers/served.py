"""`assistant serve` with the starter, in a home of its own, seen from outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil
import torch
from prometheus_client.parser import text_string_to_metric_families
from safetensors import safe_open
from safetensors.torch import save_file

from assistant.paths import HOME_VARIABLE
from assistant.registry import STARTER, locate

_SECONDS_TO_START = 120.0
_SECONDS_TO_ANSWER = 60.0
_RANK = 4
_TARGETS = ("q_proj", "v_proj")


@dataclass(frozen=True, slots=True)
class State:
    """What a server holds."""

    requests: int
    """Answers under way or waiting, as the engine says."""
    connections: int
    """Sockets with somebody at the other end."""
    files: int
    """Open descriptors, sockets included."""
    threads: int

    def at_most(self, other: "State") -> bool:
        """Whether it is not more of anything but threads, which a server keeps in pools."""
        return (
            self.requests <= other.requests
            and self.connections <= other.connections
            and self.files <= other.files
        )

    def line(self) -> str:
        """One line for people."""
        return (
            f"{self.requests} requests, {self.connections} connections, {self.files} files,"
            f" {self.threads} threads"
        )


class Served:
    """A running server."""

    def __init__(self, home: Path, process: "subprocess.Popen[bytes]") -> None:
        """Wait until it has loaded its model. Raises RuntimeError when it does not."""
        self._process = process
        self._seen = psutil.Process(process.pid)
        state = home / "state"
        self._url = _wait(process, state / "server.json")
        self._token = (state / "token").read_text("utf-8").strip()

    def client(self) -> openai.AsyncOpenAI:
        """The official client."""
        return openai.AsyncOpenAI(
            base_url=f"{self._url}/v1", api_key=self._token, max_retries=0, timeout=120.0
        )

    def resident_bytes(self) -> int:
        """Its memory."""
        return int(self._seen.memory_info().rss)

    def state(self) -> State:
        """What it holds, the connection that asks for it left out."""
        headers = {"Authorization": f"Bearer {self._token}"}
        with httpx.Client(trust_env=False, timeout=_SECONDS_TO_ANSWER) as client:
            text = client.get(f"{self._url}/metrics", headers=headers).text
        figures = {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        waiting = sum(figures[f"assistant_engine_{name}"] for name in ("running", "waiting"))
        connections = [
            one for one in self._seen.net_connections() if one.status == psutil.CONN_ESTABLISHED
        ]
        return State(int(waiting), len(connections), self._seen.num_fds(), self._seen.num_threads())


@contextmanager
def serve(home: Path) -> Iterator[Served]:
    """A server with the starter, ended afterwards. Raises RuntimeError when it does not start."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ASSISTANT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "serve", "--model", STARTER],
        env={**clean, HOME_VARIABLE: str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Served(home, process)
    finally:
        process.terminate()
        process.wait()


def save_starter_adapter(home: Path, name: str) -> Path:
    """A random LoRA adapter for the starter, where a server with that home finds it."""
    folder = home / "data" / "adapters" / name
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(7)
    tensors: dict[str, torch.Tensor] = {}
    with safe_open(locate(STARTER).folder / "model.safetensors", "pt") as weights:
        for key in weights.offset_keys():
            layer = key.removesuffix(".weight")
            if layer.endswith(_TARGETS):
                rows, columns = weights.get_slice(key).get_shape()
                down = torch.randn(_RANK, columns, generator=generator) * 0.05
                up = torch.randn(rows, _RANK, generator=generator) * 0.05
                tensors[f"base_model.model.{layer}.lora_A.weight"] = down
                tensors[f"base_model.model.{layer}.lora_B.weight"] = up
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": STARTER,
        "r": _RANK,
        "lora_alpha": 2 * _RANK,
        "target_modules": list(_TARGETS),
    }
    (folder / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    return folder


def _health(url: str) -> dict[str, Any]:
    """What it says of itself; while it imports the engine it may be long in saying it."""
    with httpx.Client(trust_env=False, timeout=_SECONDS_TO_ANSWER) as client:
        said: dict[str, Any] = client.get(f"{url}/health").json()
        return said


def _wait(process: "subprocess.Popen[bytes]", record: Path) -> str:
    """The address of a server that has loaded its model."""
    end = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < end and process.poll() is None:
        if record.is_file():
            url = str(json.loads(record.read_text("utf-8"))["url"])
            health = _health(url)
            if health["status"] == "ready":
                return url
            if health["status"] == "failed":
                raise RuntimeError(f"the server cannot load its model: {health['detail']}")
        time.sleep(0.1)
    raise RuntimeError("the server did not start")
