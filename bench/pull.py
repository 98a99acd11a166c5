"""Claim: where each connection is slow, several fetch a file as many times faster.

A server on this machine sends at most so many bytes a second over each connection, as model hubs
do; the same file is fetched over one and over several, in turn. The target is 0.9 of the number of
connections.
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from assistant.download import RemoteFile, fetch_all, transfer

SHARE = 0.9
_PIECE = 64 << 10


class SlowHandler(BaseHTTPRequestHandler):
    """Sends ranges of `content`, `rate` bytes a second."""

    protocol_version = "HTTP/1.1"
    content: bytes
    rate: float

    def do_GET(self) -> None:
        """Send what is asked for."""
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        start, end = int(first), int(last or len(self.content) - 1) + 1
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(self.content)}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        due = time.monotonic()
        for place in range(start, end, _PIECE):
            self.wfile.write(self.content[place : min(place + _PIECE, end)])
            due += _PIECE / self.rate
            time.sleep(max(due - time.monotonic(), 0))

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(content: bytes, rate: float) -> Iterator[RemoteFile]:
    """A file on such a server."""
    handler = type("Handler", (SlowHandler,), {"content": content, "rate": rate})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/weights"
    digest = hashlib.sha256(content).hexdigest()
    yield RemoteFile("model.safetensors", url, len(content), digest, None)
    server.shutdown()
    server.server_close()


def seconds(file: RemoteFile, connections: int) -> float:
    """How long it takes to fetch the file."""
    folder = Path(tempfile.mkdtemp())
    begun = time.perf_counter()
    fetch_all([file], folder, "bench", lambda _: None, connections=connections)
    taken = time.perf_counter() - begun
    shutil.rmtree(folder)
    return taken


def main() -> int:
    """Measure, print, and return 1 when the target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--megabytes", type=float, default=32, help="the size of the file")
    parser.add_argument("--rate", type=float, default=10, help="MB/s of a connection")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    transfer._RANGE_BYTES = int(options.megabytes * 1e6 / (4 * options.connections))
    with serving(os.urandom(int(options.megabytes * 1e6)), options.rate * 1e6) as file:
        runs = [
            (seconds(file, 1), seconds(file, options.connections)) for _ in range(options.rounds)
        ]
    one, several = (statistics.median(column) for column in zip(*runs, strict=True))
    value = statistics.median(slow / fast for slow, fast in runs)
    target = SHARE * options.connections
    ratio = {"value": round(value, 3), "target": target, "holds": value >= target}
    if options.json:
        medians = {"one_seconds": round(one, 2), "several_seconds": round(several, 2)}
        result = {"benchmark": "pull", "medians": medians, "ratios": {"connections": ratio}}
        print(json.dumps(result))
    else:
        print(f"{options.megabytes:.0f} MB at {options.rate:.0f} MB/s a connection, medians")
        print(f"one connection {one:8.2f} s\n{options.connections} connections  {several:8.2f} s")
        print(f"ratio {value:17.2f}   (target: at least {target:.1f})")
    return 0 if ratio["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
