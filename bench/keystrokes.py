"""Typing in three files of this project: from key to ghost text, beside llama.cpp and transformers.

The session of `sessions/keystrokes.json` has the keys of somebody who writes real code and prose of
this project, with slips that are taken back, and the pauses between them; it was made from the
texts, not taken down from a person. After each key the ghost text is asked for and waited for, the
next key comes when it is due. A suggestion that is right, or whose first lines are, is read and
accepted with one key when it is worth that.

Ours is the language server as an editor runs it, over its wire, with a model server of its own. The
peers get a request for each key, by the same client, with the same window of the file, length and
end of a suggestion: the same weights in llama.cpp's server, with its cache, and in `transformers
serve`, which calls `generate`. llama.cpp has no way to cut text into tokens as the starter does: it
reads some more of them, and its answers are other ones, and shorter.

The times are those of keys with ghost text. *From cache* are keys whose ghost text was known before
they came. *For nothing* are tokens that were made and neither accepted nor typed; of the peers'
tokens those are counted that reached the client, which may be fewer than they made.

Shorter pauses (`--pauses`) are the harder case: the same keys, with less time to be ready for each.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path

import httpx
from lsprotocol import converters, types

from assistant.client import ModelClient
from assistant.client.record import read_record
from assistant.completion.window import request_at
from assistant.config import Settings
from assistant.messages import SamplingParams
from assistant.paths import HOME_VARIABLE, token_file
from assistant.registry import STARTER, locate
from assistant.suggestion import Spot
from assistant_lsp.documents import Document
from assistant_lsp.settings import CompletionSettings
from assistant_lsp.window import around
from bench.session import Ghost, Part, Tally, recorded, replay
from bench.targets import Target, Verdict, show_verdicts, verdict
from tests.client import starter_gguf
from tests.lsp.editor import Editor
from tests.server.processes import end_recorded_server, start_recorded_server

TARGETS = {"median": Target(3.0), "p95": Target(2.0)}
_SECONDS_TO_START = 120.0
_CONTEXT = 2048
_MADE = "assistant_engine_completion_tokens"
_CONVERTER = converters.get_converter()


class Ours:
    """The language server, and the model server that it starts."""

    def __init__(self, editor: Editor) -> None:
        """`editor` is initialized."""
        self._editor = editor
        self._uri = ""

    async def open(self, document: Document) -> None:
        """See `Contender`."""
        self._uri = document.uri
        self._editor.open(document.buffer.text, uri=document.uri, language=document.language)

    async def edit(self, span: types.Range, text: str) -> None:
        """See `Contender`."""
        self._editor.change(text, _CONVERTER.unstructure(span), uri=self._uri)

    async def suggest(self, document: Document, position: types.Position) -> Ghost:
        """See `Contender`."""
        params = {
            "textDocument": {"uri": document.uri},
            "position": _CONVERTER.unstructure(position),
            "context": {"triggerKind": types.InlineCompletionTriggerKind.Automatic.value},
        }
        answer = await self._editor.request("textDocument/inlineCompletion", params)
        if not answer["items"]:
            return Ghost("")
        told = next(m for m in reversed(self._editor.notifications) if m["method"] == "$/logTrace")
        asked = told["params"]["message"] != "suggestion: kept"
        return Ghost(str(answer["items"][0]["insertText"]), asked)

    async def made(self) -> int:
        """See `Contender`."""
        record = read_record()
        if record is None:
            return 0
        headers = {"Authorization": f"Bearer {token_file().read_text('utf-8').strip()}"}
        async with httpx.AsyncClient(trust_env=False) as client:
            text = (await client.get(f"{record.url}/metrics", headers=headers)).text
        lines = [line for line in text.splitlines() if line.startswith(_MADE)]
        return int(sum(float(line.rpartition(" ")[2]) for line in lines))


class Peer:
    """Another server, asked at each key for what the language server would ask."""

    def __init__(self, url: str, model: str) -> None:
        """`model` is what the server calls it."""
        self._client = ModelClient(
            Settings(server_url=f"{url}/v1", model=model, fim_format="starter")
        )
        self._pieces = 0

    async def open(self, document: Document) -> None:
        """See `Contender`."""

    async def edit(self, span: types.Range, text: str) -> None:
        """See `Contender`."""

    async def suggest(self, document: Document, position: types.Position) -> Ghost:
        """See `Contender`."""
        settings = CompletionSettings()
        before, after = around(document.buffer, document.buffer.offset(position))
        spot = Spot(before, after, settings.max_lines, document.language)
        if not spot.wanted:
            return Ghost("")
        request = request_at(before, after, document.language, document.path, _CONTEXT)
        params = SamplingParams(max_tokens=settings.max_tokens)
        raw = ""
        stream = self._client.stream_complete(request, params)
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                self._pieces += 1
                raw += piece
                if spot.enough(raw):
                    break
        return Ghost(spot.suggestion(raw, cut=stream.finish == "length"))

    async def made(self) -> int:
        """See `Contender`."""
        return self._pieces


@contextmanager
def _serving(command: Sequence[str], path: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    try:
        end = time.monotonic() + _SECONDS_TO_START
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(url + path, trust_env=False, timeout=5).is_success:
                    yield url
                    return
            time.sleep(0.1)
        raise RuntimeError(f"{command[0]} does not start")
    finally:
        process.kill()
        process.wait()


async def ours(parts: Sequence[Part], pauses: float) -> Tally:
    """The session with the language server."""
    try:
        await start_recorded_server()
        async with Editor({}) as editor:
            await editor.start(options={"completion": {}}, trace="messages")
            editor.open("x = ", uri="file:///project/first.py")
            await editor.loaded_ghost(0, 4, uri="file:///project/first.py")
            return await replay(Ours(editor), parts, pauses)
    finally:
        end_recorded_server()


async def llama_cpp(parts: Sequence[Part], pauses: float, file: str) -> Tally:
    """The session with llama.cpp's server, with its cache on."""
    command = ["llama_cpp.server", "--model", file, "--n_ctx", str(_CONTEXT), "--cache", "true"]
    with _serving(command, "/v1/models") as url:
        return await replay(Peer(url, file), parts, pauses)


async def transformers(parts: Sequence[Part], pauses: float) -> Tally:
    """The session with `transformers serve`."""
    folder = str(locate(STARTER).folder)
    command = ["transformers.cli.transformers", "serve", folder, "--device", "cpu"]
    with _serving(command, "/health") as url:
        return await replay(Peer(url, folder), parts, pauses)


def show(tallies: Mapping[str, Tally]) -> None:
    """The table for people."""
    figures = {name: tally.figures() for name, tally in tallies.items()}
    print(f"{'':16}" + "".join(f"{name:>14}" for name in figures))
    for measure in figures["assistant"]:
        values = "".join(f"{found[measure]:14.1f}" for found in figures.values())
        print(f"{measure:16}{values}")


def ratios(tallies: Mapping[str, Tally]) -> dict[str, Verdict]:
    """How many times sooner ours is than llama.cpp's."""
    mine, theirs = tallies["assistant"].figures(), tallies["llama.cpp"].figures()
    return {
        name: verdict(theirs[f"{name}, ms"] / mine[f"{name}, ms"], target)
        for name, target in TARGETS.items()
    }


def main() -> int:
    """Run it; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pauses", type=float, default=1.0, help="times the recorded ones")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    parts = recorded()
    with tempfile.TemporaryDirectory(prefix="assistant-keystrokes-") as home:
        os.environ[HOME_VARIABLE] = home
        file = str(Path(home) / "starter.gguf")
        starter_gguf.write(locate(STARTER).folder, Path(file))
        tallies = {
            "assistant": asyncio.run(ours(parts, options.pauses)),
            "llama.cpp": asyncio.run(llama_cpp(parts, options.pauses, file)),
            "transformers": asyncio.run(transformers(parts, options.pauses)),
        }
    found = ratios(tallies)
    if options.json:
        figures = {name: tally.figures() for name, tally in tallies.items()}
        print(json.dumps({"figures": figures, "ratios": found}))
    else:
        show(tallies)
        show_verdicts(found)
    return 0 if all(one["holds"] for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
