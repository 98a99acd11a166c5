"""Claim: notes in the terminal are painted, opened and found before anybody waits.

The app runs in a pseudo-terminal, as a person would have it, and what it paints is read there. Keys
are typed in the middle of a note of 5,000 lines while an answer streams into the review pane at 100
pieces a second: the time of a key is that from the byte that is written to the letter that is read
back. A folder of 10,000 notes is open when its tree is painted: that counts the whole start of
the command, its imports too. A search is timed from the last letter of a query to the note that it
finds, in the same folder.
"""

import argparse
import fcntl
import json
import math
import os
import pty
import random
import select
import signal
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from assistant.paths import HOME_VARIABLE
from bench.targets import Target, Verdict, report, show_verdicts, verdict

TARGETS = {
    "key to paint p95, ms": Target(50.0, at_most=True),
    "open 10,000 notes, s": Target(1.0, at_most=True),
    "search p95, ms": Target(100.0, at_most=True),
}
_COLUMNS, _ROWS = 120, 40
_LINES = 5_000
_NOTES = 10_000
_NOTE_WORDS = 300
_PIECES_A_SECOND = 100
_FIRST_LETTER = 0x1E00
"""Latin letters with marks, each of which stands nowhere else on the screen."""
_SECONDS_TO_ANSWER = 60.0
_SEARCHES = 20


class Screen:
    """The app at the other end of a pseudo-terminal."""

    def __init__(self, arguments: Sequence[str]) -> None:
        command = [sys.executable, "-m", "assistant", "tui", *arguments]
        self._process, self._terminal = pty.fork()
        if not self._process:
            os.environ["TERM"] = "xterm-256color"
            os.environ["COLORTERM"] = "truecolor"
            os.execv(sys.executable, command)
        size = struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)

    def type(self, keys: str) -> None:
        """Write what keys send."""
        os.write(self._terminal, keys.encode())

    def until(self, text: str) -> None:
        """Read until a text is painted."""
        wanted = text.encode()
        end = time.monotonic() + _SECONDS_TO_ANSWER
        seen = b""
        while wanted not in seen:
            seen = seen[-len(wanted) :] + self._read(end - time.monotonic())

    def drain(self, seconds: float) -> None:
        """Read whatever is painted for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._terminal], [], [], left)[0]:
                os.read(self._terminal, 1 << 16)

    def close(self) -> None:
        """End the app."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._terminal)

    def _read(self, seconds: float) -> bytes:
        if not select.select([self._terminal], [], [], max(seconds, 0))[0]:
            raise RuntimeError("the app painted nothing that was waited for")
        return os.read(self._terminal, 1 << 16)


@contextmanager
def _screen(*arguments: str) -> Iterator[Screen]:
    screen = Screen(arguments)
    try:
        yield screen
    finally:
        screen.close()


class _Answering(BaseHTTPRequestHandler):
    """A model that goes on for a minute, at an even pace."""

    def do_GET(self) -> None:
        self._send("application/json", json.dumps({"object": "list", "data": [{"id": "paced"}]}))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        begin = time.monotonic()
        try:
            for number in range(60 * _PIECES_A_SECOND):
                self.wfile.write(_piece(f"word{number} "))
                self.wfile.flush()
                time.sleep(max(0.0, begin + number / _PIECES_A_SECOND - time.monotonic()))
        except OSError:
            pass  # the app went away

    def _send(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _piece(text: str) -> bytes:
    choice = {"index": 0, "delta": {"content": text}}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "paced"}
    return f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n".encode()


@contextmanager
def paced_model() -> Iterator[str]:
    """The address of a model that writes at an even pace."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def keys(folder: Path, count: int) -> list[float]:
    """Milliseconds from each key to its letter on the screen, while an answer streams."""
    block = "## Part {0}\n\nSome *words* of part {0}, with `code` in them and a [link](x).\n\n"
    text = "".join(block.format(n) for n in range(_LINES // 4))
    (folder / "long.md").write_text(text)
    with _screen(str(folder)) as screen:
        screen.until("long")
        screen.type("\x0f")  # Ctrl+O
        screen.until("Open a note")
        screen.type("long\r")
        screen.until("Part 2")
        for _ in range(_LINES // 2 // (_ROWS - 5)):
            screen.type("\x1b[6~")  # page down
            screen.drain(0.02)
        screen.type("\x07")  # Ctrl+G
        screen.until("Have it written")
        screen.type("\t\r")  # the whole note
        screen.until("word9")
        screen.type("\t")  # back to the note, while the answer goes on
        screen.drain(0.5)
        found = []
        pauses = random.Random(1)
        for number in range(count):
            letter = chr(_FIRST_LETTER + number)
            begin = time.perf_counter()
            screen.type(letter)
            screen.until(letter)
            found.append(1e3 * (time.perf_counter() - begin))
            screen.drain(pauses.uniform(0.03, 0.2))
        return found


def make_notes(folder: Path) -> None:
    """Ten thousand notes, half of them in one folder, half in fifty."""
    words = random.Random(2)
    letters = "abcdefghijklmnopqrstuvwxyz"
    known = ["".join(words.choices(letters, k=words.randint(2, 10))) for _ in range(5_000)]
    for number in range(_NOTES):
        inside = folder if number % 2 else folder / f"area{number % 100:02}"
        inside.mkdir(exist_ok=True)
        text = " ".join(words.choices(known, k=_NOTE_WORDS))
        (inside / f"note{number:05}.md").write_text(f"# Note {number}\n\n{text} unique{number}x\n")


def opening(folder: Path, rounds: int) -> list[float]:
    """Seconds from the command to the tree."""
    found = []
    for _ in range(rounds):
        begin = time.perf_counter()
        with _screen(str(folder)) as screen:
            screen.until("area10")
            found.append(time.perf_counter() - begin)
    return found


def searches(folder: Path) -> list[float]:
    """Milliseconds from the last letter of a query to its note."""
    chosen = random.Random(3).sample(range(_NOTES), _SEARCHES)
    found = []
    with _screen(str(folder)) as screen:
        screen.until("area10")
        screen.drain(5.0)  # the notes are read in the background
        for number in chosen:
            screen.type("\x06")  # Ctrl+F
            screen.until("Search in all notes")
            screen.drain(1.0)
            screen.type(f"unique{number}")
            screen.drain(1.0)
            begin = time.perf_counter()
            screen.type("x")
            screen.until(f"note{number:05}.md")
            found.append(1e3 * (time.perf_counter() - begin))
            screen.type("\x1b")
            screen.drain(0.5)
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not pass."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def measure(count: int, rounds: int) -> dict[str, Any]:
    """All of it, in a home and a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="assistant-tui-") as place, paced_model() as url:
        os.environ[HOME_VARIABLE] = f"{place}/home"
        os.environ["ASSISTANT_SERVER_URL"] = url
        note, many = Path(place) / "note", Path(place) / "many"
        note.mkdir()
        many.mkdir()
        painted = keys(note, count)
        make_notes(many)
        opened = opening(many, rounds)
        searched = searches(many)
    values = {
        "key to paint p95, ms": percentile(painted, 0.95),
        "open 10,000 notes, s": percentile(opened, 0.5),
        "search p95, ms": percentile(searched, 0.95),
    }
    ratios: dict[str, Verdict] = {n: verdict(v, TARGETS[n]) for n, v in values.items()}
    return {
        "key to paint median, ms": round(percentile(painted, 0.5), 1),
        "search median, ms": round(percentile(searched, 0.5), 1),
        "ratios": ratios,
    }


def show(result: dict[str, Any]) -> None:
    """The figures for people."""
    for name, value in result.items():
        if name != "ratios":
            print(f"{name:24}{value:10.1f}")
    show_verdicts(result["ratios"])


def main() -> int:
    """Run it; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    return report(measure(options.keys, options.rounds), show, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
