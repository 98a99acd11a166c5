"""Typing in three files of this project: from key to ghost text, beside llama.cpp and transformers.

The session of `sessions/keystrokes.json` has the keys of somebody who writes real code and prose of
this project, with slips that are taken back, and the pauses between them; it was made from the
texts, not taken down from a person. After each key the ghost text is asked for and waited for, the
next key comes when it is due. A suggestion that begins with what comes next, and has five
characters or more of it alone, is accepted with one key.

Ours is the language server as an editor runs it, over its wire, with a model server of its own. The
peers get a request for each key, by the same client, with the same window of the file, length and
end of a suggestion: the same weights in llama.cpp's server, with its cache, and in `transformers
serve`, which calls `generate`.
"""

import argparse
import asyncio
import contextlib
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
from lsprotocol import converters, types

from assistant.client import ModelClient
from assistant.client.record import read_record
from assistant.config import Settings
from assistant.messages import SamplingParams
from assistant.paths import HOME_VARIABLE, token_file
from assistant.registry import STARTER, locate
from assistant.suggestion import Spot
from assistant_lsp.buffer import Edit, TextBuffer
from assistant_lsp.documents import Document
from assistant_lsp.settings import CompletionSettings
from assistant_lsp.window import around, request_at
from bench.targets import Target, verdict
from tests.client import starter_gguf
from tests.lsp.editor import Editor
from tests.server.processes import end_recorded_server

SESSION = Path(__file__).with_name("sessions") / "keystrokes.json"
TARGETS = {"median": Target(3.0), "p95": Target(2.0)}
_ACCEPTED = 5
"""Characters that make a suggestion worth a key."""
_SECONDS_TO_START = 120.0
_CONTEXT = 2048
_CONVERTER = converters.get_converter()


@dataclass(frozen=True, slots=True)
class Part:
    """What is typed in one file, and when: `\\b` takes the last character back."""

    path: str
    language: str
    before: str
    after: str
    keys: Sequence[str]
    gaps: Sequence[float]
    """Seconds before each key."""


@dataclass(slots=True)
class Tally:
    """What happened with one contender."""

    seconds: list[float] = field(default_factory=list)
    """From key to answer, be there ghost text or not."""
    asked: int = 0
    """Generations that were begun."""
    generated: int = 0
    """Tokens that were made."""
    saved: int = 0
    """Characters that nobody had to type."""

    @property
    def p95(self) -> float:
        """The time that 95 of 100 keys keep."""
        return sorted(self.seconds)[math.ceil(0.95 * len(self.seconds)) - 1]


class Contender(Protocol):
    """Who suggests."""

    async def open(self, document: Document) -> None:
        """Begin with a file."""

    async def edit(self, span: types.Range, text: str) -> None:
        """The document was edited."""

    async def suggest(self, document: Document, position: types.Position) -> str:
        """The ghost text at a place, or empty."""

    async def made(self) -> tuple[int, int]:
        """How many generations were begun, and how many tokens were made, so far."""


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

    async def suggest(self, document: Document, position: types.Position) -> str:
        """See `Contender`."""
        params = {
            "textDocument": {"uri": document.uri},
            "position": _CONVERTER.unstructure(position),
            "context": {"triggerKind": types.InlineCompletionTriggerKind.Automatic.value},
        }
        answer = await self._editor.request("textDocument/inlineCompletion", params)
        return str(answer["items"][0]["insertText"]) if answer["items"] else ""

    async def made(self) -> tuple[int, int]:
        """See `Contender`."""
        record = read_record()
        if record is None:
            return 0, 0
        headers = {"Authorization": f"Bearer {token_file().read_text('utf-8').strip()}"}
        async with httpx.AsyncClient(trust_env=False) as client:
            text = (await client.get(f"{record.url}/metrics", headers=headers)).text
        figures = dict(
            line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")
        )

        def total(name: str) -> int:
            return int(sum(float(v) for k, v in figures.items() if k.startswith(name)))

        return total("assistant_http_requests_total"), total("assistant_engine_completion_tokens")


class Peer:
    """Another server, asked at each key for what the language server would ask."""

    def __init__(self, url: str, model: str) -> None:
        """`model` is what the server calls it."""
        self._client = ModelClient(
            Settings(server_url=f"{url}/v1", model=model, fim_format="starter")
        )
        self._asked = self._pieces = 0

    async def open(self, document: Document) -> None:
        """See `Contender`."""

    async def edit(self, span: types.Range, text: str) -> None:
        """See `Contender`."""

    async def suggest(self, document: Document, position: types.Position) -> str:
        """See `Contender`."""
        settings = CompletionSettings()
        before, after = around(document.buffer, document.buffer.offset(position))
        spot = Spot(before.rpartition("\n")[2], after, settings.max_lines)
        if not spot.wanted:
            return ""
        self._asked += 1
        request = request_at(document, before, after, _CONTEXT)
        params = SamplingParams(max_tokens=settings.max_tokens)
        raw = ""
        stream = self._client.stream_complete(request, params)
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                self._pieces += 1
                raw += piece
                if spot.enough(raw):
                    break
        return spot.suggestion(raw, cut=stream.finish == "length")

    async def made(self) -> tuple[int, int]:
        """See `Contender`."""
        return self._asked, self._pieces


async def replay(contender: Contender, parts: Sequence[Part], seconds: float) -> Tally:
    """Type the session; pauses are as long as `seconds` times those that were recorded."""
    tally = Tally()
    begun = await contender.made()
    for number, part in enumerate(parts):
        await _type(contender, part, number, seconds, tally)
    ended = await contender.made()
    tally.asked, tally.generated = ended[0] - begun[0], ended[1] - begun[1]
    return tally


async def _type(
    contender: Contender, part: Part, number: int, seconds: float, tally: Tally
) -> None:
    buffer = TextBuffer.of(part.before + part.after, "utf-16")
    uri = f"file:///project/{number}/{part.path}"
    document = Document(uri, part.language, 1, buffer)
    await contender.open(document)
    cursor, keys, due = len(part.before), list(part.keys), time.perf_counter()
    gaps = list(part.gaps)
    while keys:
        due = max(due + seconds * gaps.pop(0), time.perf_counter())
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        key = keys.pop(0)
        start = cursor - 1 if key == "\b" else cursor
        text = "" if key == "\b" else key
        while True:
            span = document.buffer.span(start, cursor)
            buffer = document.buffer.replaced(Edit(start, cursor, text))
            cursor = start + len(text)
            document = Document(uri, part.language, document.version + 1, buffer)
            pressed = time.perf_counter()
            await contender.edit(span, text)
            ghost = await contender.suggest(document, buffer.position(cursor))
            tally.seconds.append(time.perf_counter() - pressed)
            if len(ghost) < _ACCEPTED or not "".join(keys).startswith(ghost):
                break
            text, start = ghost, cursor
            tally.saved += len(ghost)
            _drop(keys, gaps, len(ghost))


def _drop(keys: list[str], gaps: list[float], characters: int) -> None:
    """Take what was accepted away from what is to be typed."""
    while characters >= len(keys[0]):
        characters -= len(keys.pop(0))
        gaps.pop(0)
        if not keys:
            return
    keys[0] = keys[0][characters:]


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
        async with Editor({}) as editor:
            await editor.start(options={"completion": {}})
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
    print(
        f"{'':14}{'median, ms':>12}{'p95, ms':>10}{'asked':>8}{'tokens':>8}{'saved':>7}{'keys':>7}"
    )
    for name, tally in tallies.items():
        print(
            f"{name:14}{statistics.median(tally.seconds) * 1e3:12.1f}{tally.p95 * 1e3:10.1f}"
            f"{tally.asked:8}{tally.generated:8}{tally.saved:7}{len(tally.seconds):7}"
        )


def ratios(tallies: Mapping[str, Tally]) -> dict[str, Any]:
    """How many times sooner ours is than llama.cpp's."""
    mine, theirs = tallies["assistant"], tallies["llama.cpp"]
    values = {
        "median": statistics.median(theirs.seconds) / statistics.median(mine.seconds),
        "p95": theirs.p95 / mine.p95,
    }
    return {name: verdict(value, TARGETS[name]) for name, value in values.items()}


def main() -> int:
    """Run it; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pauses", type=float, default=1.0, help="times the recorded ones")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    parts = [Part(**part) for part in json.loads(SESSION.read_text("utf-8"))]
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
        print(json.dumps({"ratios": found}))
    else:
        show(tallies)
        for name, one in found.items():
            missed = "" if one["holds"] else "  MISSED"
            print(f"{name:14}{one['value']:12.2f} of {one['target']}{missed}")
    return 0 if all(one["holds"] for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
