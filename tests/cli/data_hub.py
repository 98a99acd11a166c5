"""A server that behaves like the hub with one data set on it."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NAME = "someone/chats"
FILE = "train.jsonl"
_COMMIT = "c" * 40


class _Hub(ThreadingHTTPServer):
    name: str
    files: Mapping[str, bytes]


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path, files = self.path.partition("?")[0], self.server.files
        about = f"/api/datasets/{self.server.name}"
        file = path.removeprefix(f"/datasets/{self.server.name}/resolve/{_COMMIT}/")
        if path in (about, f"{about}/revision/{_COMMIT}"):
            siblings = [{"rfilename": name, "size": len(files[name])} for name in files]
            self._send_json({"id": self.server.name, "sha": _COMMIT, "siblings": siblings})
        elif path == f"{about}/tree/{_COMMIT}":
            self._send_json(
                [
                    {"type": "file", "oid": "a" * 40, "size": len(data), "path": name}
                    for name, data in files.items()
                ]
            )
        elif file in files:
            self._send_file(file)
        else:
            self._send(b"{}", 404, {"X-Error-Code": "EntryNotFound"})

    do_HEAD = do_GET

    def _send_json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), 200, {"Content-Type": "application/json"})

    def _send_file(self, file: str) -> None:
        data, first = self.server.files[file], 0
        headers = {"ETag": f'"{file}"', "X-Repo-Commit": _COMMIT, "Accept-Ranges": "bytes"}
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


def data_hub(data: bytes) -> AbstractContextManager[str]:
    """The address of a hub whose data set `NAME` holds `data` in its one file."""
    return hub(NAME, {FILE: data})


@contextmanager
def hub(name: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """The address of a hub that has one data set, with these files."""
    with _Hub(("127.0.0.1", 0), _Answers) as server:
        server.name, server.files = name, files
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
