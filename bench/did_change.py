"""Claim: while the model writes, an edit is in effect as soon as while it does not.

A language server edits a document of 5,000 lines, one edit at a time as somebody types and many in
a row as an editor replays them, each edit a range or the whole text. Behind each edit comes a
request that needs no model, which is answered when the edit is in effect: the time from the edit to
that answer is the edit's. Both halves take turns with the same server: in one a suggestion is
being written by the starter, in a model server of its own; in the other nothing is.
"""

import argparse
import asyncio
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

from assistant.client.health import ask_health
from assistant.client.record import read_record
from assistant.paths import HOME_VARIABLE
from bench.targets import Target, Verdict, show_verdicts, verdict
from tests.lsp.editor import Editor, span
from tests.server.processes import end_recorded_server, start_recorded_server

_LINES = 5_000
_BLOCK = "def name_{0}(path, other):\n    return other.join(path, {0})\n\n\n"
_URI, _OTHER = "file:///project/long.py", "file:///project/written.py"
_WRITTEN = "".join(f"{{0}}_{n} = {n}\n" for n in range(1, 13))
"""The starter goes on with such a list for a second and more."""
_OPTIONS = {
    "completion": {
        "maxTokens": 1024,
        "maxLines": 100,
        "budgetMs": 0,
        "ahead": False,
        "candidates": 1,
    }
}
_GAP_SECONDS = 0.03
"""Between two keys: faster than anybody types."""
_BURST = 10
_KINDS = ("range", "range, in a row", "whole text")
TARGETS = {
    "p99, ms": Target(5.0, at_most=True),
    "median, writing / not": Target(2.0, at_most=True),
}


class Typing:
    """The long document in the editor, and the times of its edits."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._version = 1
        self._lines = "".join(_BLOCK.format(n) for n in range(_LINES // 4)).split("\n")
        editor.open("\n".join(self._lines), uri=_URI)

    async def edit(self, kind: str) -> float:
        """Seconds of one edit, or of the last in a row of them, in the middle of the document."""
        line = len(self._lines) // 2
        row = _BURST if kind == "range, in a row" else 1
        # Written before: how long an editor takes for that is not the server's.
        for message in [self._message(kind, line) for _ in range(row)]:
            begun = time.perf_counter()
            self._editor.send_bytes(message)
        # Inside of a word nothing is suggested, and nobody is asked.
        place = {"textDocument": {"uri": _URI}, "position": {"line": line, "character": 1}}
        params = {**place, "context": {"triggerKind": 1}}
        answer = await self._editor.request("textDocument/inlineCompletion", params)
        seconds = time.perf_counter() - begun
        assert not answer["items"]
        return seconds

    def _message(self, kind: str, line: int) -> bytes:
        """One more edit."""
        self._lines[line] = "x" + self._lines[line]
        self._version += 1
        change: dict[str, object] = {"text": "x", "range": span(line, 0, line, 0)}
        if kind == "whole text":
            change = {"text": "\n".join(self._lines)}
        document = {"uri": _URI, "version": self._version}
        params = {"textDocument": document, "contentChanges": [change]}
        message = {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": params}
        return json.dumps(message).encode()


class Writing:
    """Keeps the model writing in another document."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._number = 0
        editor.open("", uri=_OTHER, language="ini")

    async def loaded(self) -> None:
        """Wait until it can."""
        self._editor.change(_WRITTEN.format("name"), uri=_OTHER)
        await self._editor.loaded_ghost(12, 0, uri=_OTHER)

    async def go_on(self) -> None:
        """Have it write, unless it does."""
        while not _is_writing():
            self._number += 1
            self._editor.change(_WRITTEN.format(f"name_{self._number}"), uri=_OTHER)
            waiting = self._editor.ask_ghost(12, 0, uri=_OTHER)
            waiting.add_done_callback(lambda done: done.exception())
            for _ in range(100):
                await asyncio.sleep(0.005)
                if _is_writing():
                    break

    async def stop(self) -> None:
        """Have it stop, and see that it did."""
        self._editor.change("", uri=_OTHER)
        while _is_writing():
            await asyncio.sleep(0.01)


def _is_writing() -> bool:
    record = read_record()
    health = ask_health(record) if record is not None else None
    return health is not None and health.running > 0


async def _edit(typing: Typing, writing: Writing, kind: str, busy: bool) -> float:
    """Seconds of an edit during which the model wrote all the time, or not at all."""
    while True:
        await (writing.go_on() if busy else writing.stop())
        await asyncio.sleep(_GAP_SECONDS)
        seconds = await typing.edit(kind)
        if _is_writing() == busy:
            return seconds


async def measure(rounds: int) -> dict[tuple[str, bool], list[float]]:
    """Seconds of the edits, by their kind and whether the model wrote."""
    try:
        await start_recorded_server()
        async with Editor({}) as editor:
            await editor.start(options=_OPTIONS)
            typing, writing = Typing(editor), Writing(editor)
            await writing.loaded()
            seconds: dict[tuple[str, bool], list[float]] = {}
            for number in range(rounds + 1):
                if number == 1:
                    seconds.clear()  # the first round only warms up
                for busy in (True, False):
                    for kind in _KINDS:
                        one = await _edit(typing, writing, kind, busy)
                        seconds.setdefault((kind, busy), []).append(one)
            return seconds
    finally:
        end_recorded_server()


def percentile(seconds: Sequence[float], share: float) -> float:
    """The time, in milliseconds, that this share of the edits keeps."""
    return 1e3 * sorted(seconds)[math.ceil(share * len(seconds)) - 1]


def ratios(seconds: Mapping[tuple[str, bool], Sequence[float]]) -> dict[str, Verdict]:
    """The claims."""
    busy = [one for (_, writing), found in seconds.items() if writing for one in found]
    idle = [one for (_, writing), found in seconds.items() if not writing for one in found]
    values = {
        "p99, ms": percentile(busy, 0.99),
        "median, writing / not": statistics.median(busy) / statistics.median(idle),
    }
    return {name: verdict(value, TARGETS[name]) for name, value in values.items()}


def show(seconds: Mapping[tuple[str, bool], Sequence[float]]) -> None:
    """The table for people."""
    print(f"{'':18}{'model':>10}{'edits':>8}{'median, ms':>13}{'p99, ms':>10}")
    for (kind, busy), found in seconds.items():
        row = f"{'writes' if busy else 'rests':>10}{len(found):8}"
        print(f"{kind:18}{row}{percentile(found, 0.5):13.2f}{percentile(found, 0.99):10.2f}")


def main() -> int:
    """Run it; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assistant-did-change-") as home:
        os.environ[HOME_VARIABLE] = home
        seconds = asyncio.run(measure(options.rounds))
    found = ratios(seconds)
    if options.json:
        print(json.dumps({"ratios": found}))
    else:
        show(seconds)
        show_verdicts(found)
    return 0 if all(one["holds"] for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
