"""Other servers as real processes: the starter behind them fills in as it does here."""

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from assistant.client import ModelClient
from assistant.config import Settings
from assistant.engine.renderers import load_renderer
from assistant.messages import CompletionRequest, SamplingParams
from assistant.registry import locate

STARTER = Path(__file__).parents[2] / "assistant" / "starter"
LINES = (
    CompletionRequest("with open(", ") as file:"),
    CompletionRequest("for index, name in enumerate(", ":"),
    CompletionRequest("from pathlib import ", ""),
)
"""Without line ends, which llama.cpp cuts otherwise than the starter's own tokenizer."""
FILES = (
    CompletionRequest("def load(path):\n    with open(", "\n        return f.read()\n"),
    CompletionRequest("def area(width, height):\n    return ", "\n"),
)
PARAMS = SamplingParams(max_tokens=12)
PATIENCE = 120.0

pytestmark = pytest.mark.e2e


@contextlib.contextmanager
def serving(
    command: Sequence[str], path: str, folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The server's address, once it answers at `path`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, **(environment or {})},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError), urllib.request.urlopen(url + path, timeout=5):
                break
            time.sleep(0.1)
        else:
            pytest.fail((folder / "log").read_text(errors="replace")[-2000:])
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def expected(request: CompletionRequest) -> str:
    """What the starter writes there, by its own tokenizer and without any server."""
    renderer = load_renderer(locate("starter"))
    model: Any = AutoModelForCausalLM.from_pretrained(STARTER, dtype=torch.float32)
    prompt = renderer.complete(request)
    ids = model.generate(
        torch.tensor([prompt.ids]),
        attention_mask=torch.ones(1, len(prompt.ids), dtype=torch.long),
        max_new_tokens=PARAMS.max_tokens,
        eos_token_id=list(prompt.end_ids),
        do_sample=False,
    )
    text = renderer.tokenizer.decode(ids[0, len(prompt.ids) :].tolist())
    return text.removeprefix(" ") if prompt.drop_space else text


async def check(url: str, model: str, requests: Sequence[CompletionRequest]) -> None:
    client = ModelClient(Settings(server_url=f"{url}/v1", model=model))
    for request in requests:
        stream = client.stream_complete(request, PARAMS)
        text = "".join([piece async for piece in stream])
        assert text == expected(request)
        assert text.strip() and "<|" not in text
        assert stream.finish is not None
    await client.aclose()


async def test_llama_cpp(tmp_path: Path) -> None:
    if importlib.util.find_spec("sse_starlette") is None:
        pytest.skip("needs llama-cpp-python[server]")
    pytest.importorskip("llama_cpp")
    from tests.client import starter_gguf

    file = tmp_path / "starter.gguf"
    starter_gguf.write(STARTER, file)
    command = ["-m", "llama_cpp.server", "--model", str(file), "--n_ctx", "2048"]
    with serving(command, "/v1/models", tmp_path) as url:
        await check(url, str(file), LINES)


async def test_transformers_serve(tmp_path: Path) -> None:
    command = ["-m", "transformers.cli.transformers", "serve", str(STARTER), "--device", "cpu"]
    quiet = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    command += ["--dtype", "float32"]
    (tmp_path / "hub").mkdir()
    with serving(command, "/health", tmp_path, quiet) as url:
        await check(url, str(STARTER), (*LINES, *FILES))
