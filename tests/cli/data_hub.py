"""A server that behaves like the hub with one data set on it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "someone/chats"
FILE = "train.jsonl"
_COMMIT = "c" * 40


class _Hub(ThreadingHTTPServer):
    data: bytes


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        about = f"/api/datasets/{NAME}"
        size = len(self.server.data)
        if path in (about, f"{about}/revision/{_COMMIT}"):
            siblings = [{"rfilename": FILE, "size": size}]
            self._send_json({"id": NAME, "sha": _COMMIT, "siblings": siblings})
        elif path == f"{about}/tree/{_COMMIT}":
            self._send_json([{"type": "file", "oid": "a" * 40, "size": size, "path": FILE}])
        elif path == f"/datasets/{NAME}/resolve/{_COMMIT}/{FILE}":
            self._send_file()
        else:
            self._send(b"{}", 404, {"X-Error-Code": "EntryNotFound"})

    do_HEAD = do_GET

    def _send_json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), 200, {"Content-Type": "application/json"})

    def _send_file(self) -> None:
        data, first = self.server.data, 0
        headers = {"ETag": '"x"', "X-Repo-Commit": _COMMIT, "Accept-Ranges": "bytes"}
        asked = self.headers.get("Range")
        if asked is None:
            self._send(data, 200, headers)
            return
        begin, _, end = asked.removeprefix("bytes=").partition("-")
        first, last = int(begin), min(int(end or len(data) - 1), len(data) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        self._send(data[first : last + 1], 206, headers)

    def _send(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def data_hub(data: bytes) -> Iterator[str]:
    """The address of a hub whose data set holds `data` in its one file."""
    with _Hub(("127.0.0.1", 0), _Answers) as server:
        server.data = data
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
