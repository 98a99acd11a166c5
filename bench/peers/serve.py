"""`transformers serve`, asked over HTTP. It reuses no prompt, and takes texts instead of tokens."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import openai
import transformers
from transformers import AutoTokenizer

from bench.peers.task import Task, Timing

_Tokenizers: Any = AutoTokenizer
_SECONDS_TO_START = 180.0


class Serve:
    """A server of a model's folder, ended with the process that started it."""

    def __init__(self, path: str) -> None:
        """Start it, and wait until it has loaded the model."""
        self._path = path
        self._tokenizer = _Tokenizers.from_pretrained(path, local_files_only=True)
        port = _free_port()
        self._server = subprocess.Popen(
            [*_command(), "serve", path, "--host", "127.0.0.1", "--port", str(port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        address = f"http://127.0.0.1:{port}"
        self._client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        _wait(self._server, f"{address}/health")
        self.description = f"transformers serve {transformers.__version__}, bfloat16, over HTTP"

    def answer(self, task: Task) -> Timing:
        """See `Contender`; the tokens are those that the server says it made."""
        prompt = self._tokenizer.decode(list(task.ids))
        begun = time.perf_counter()
        stream = self._client.completions.create(
            model=self._path,
            prompt=prompt,
            max_tokens=len(task.answer),
            temperature=0.0,
            stream=True,
        )
        first, last, tokens = 0.0, 0.0, 0
        for chunk in stream:
            if chunk.usage is not None:
                tokens = chunk.usage.completion_tokens
            elif chunk.choices[0].text:
                last = time.perf_counter()
                first = first or last
        return Timing(first - begun, last - first, tokens)

    def close(self) -> None:
        """End the server."""
        self._server.terminate()
        self._server.wait()


def _command() -> list[str]:
    """The command beside this interpreter, or the one on the path."""
    beside = Path(sys.executable).with_name("transformers")
    found = str(beside) if beside.is_file() else shutil.which("transformers")
    if found is None:
        raise FileNotFoundError("the command `transformers` is not installed")
    return [found]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait(server: "subprocess.Popen[bytes]", health: str) -> None:
    """Until the server answers. Raises RuntimeError when it ends or takes too long."""
    end = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        try:
            if httpx.get(health).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    server.terminate()
    raise RuntimeError("transformers serve did not start")
