"""A small OpenAI-compatible server whose answers a test writes down and holds back at will."""

import json
import queue
import select
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

PATIENCE = 60.0
"""Seconds after which a test has failed rather than the machine been slow."""


@dataclass
class Answer:
    """What to answer one request with: pieces of text, or the message of a refusal."""

    pieces: Sequence[str] = ()
    refusal: str = ""
    held: bool = False
    """Whether the answer begins only when `release` is called."""
    stops_before: int | None = None
    """The piece before which it waits for `release`."""
    breaks_before: int | None = None
    """The piece before which the connection breaks."""
    gate: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False
    """Whether the client went away before the end."""
    request: dict[str, Any] = field(default_factory=dict)

    def release(self) -> None:
        self.gate.set()

    def wait_asked(self) -> dict[str, Any]:
        assert self.asked.wait(PATIENCE), "no request came"
        return self.request

    def wait_dropped(self) -> None:
        assert self.ended.wait(PATIENCE), "the request goes on"
        assert self.dropped, "the request was answered to the end"


class _Handler(BaseHTTPRequestHandler):
    """One connection to the model of a subclass."""

    model: "ScriptedModel"

    def do_GET(self) -> None:
        self.model.models_asked.set()
        assert self.model.models_gate.wait(PATIENCE)
        self._send_json(200, {"object": "list", "data": [self.model.card]})

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        asked = json.loads(self.rfile.read(length))
        if self.model.chat_only and "chat" not in self.path:
            self._send_json(400, {"error": {"message": "this one only talks"}})
            return
        self.model.requests.append(asked)
        answer = self.model._next()
        answer.request = asked
        answer.asked.set()
        try:
            self._answer(answer)
        except OSError:
            answer.dropped = True
        finally:
            answer.ended.set()

    def _answer(self, answer: Answer) -> None:
        if answer.held:
            self._wait_released(answer)
        if answer.refusal:
            self._send_json(400, {"error": {"message": answer.refusal}})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number, piece in enumerate(answer.pieces):
            if number == answer.stops_before:
                self._wait_released(answer)
            if number == answer.breaks_before:
                self._break_off()
                return
            self._send_piece(piece)
        self.wfile.write(b"data: [DONE]\n\n")

    def _wait_released(self, answer: Answer) -> None:
        while not answer.gate.wait(0.01):
            if self._client_gone():
                raise OSError("the client went away")

    def _break_off(self) -> None:
        """End the connection as a server that dies does: with a reset instead of an end."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        for end in (self.wfile, self.rfile, self.connection):
            end.close()

    def _send_piece(self, piece: str) -> None:
        chat = "chat" in self.path
        choice = {
            "index": 0,
            **({"delta": {"content": piece}} if chat else {"text": piece}),
        }
        kind = "chat.completion.chunk" if chat else "text_completion"
        body = {"id": "1", "object": kind, "created": 1, "model": "scripted"}
        self.wfile.write(f"data: {json.dumps({**body, 'choices': [choice]})}\n\n".encode())
        self.wfile.flush()

    def _client_gone(self) -> bool:
        ready, _, _ = select.select([self.connection], [], [], 0)
        return bool(ready) and not self.connection.recv(1, socket.MSG_PEEK)

    def _send_json(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class ScriptedModel:
    """The server; a context manager that listens on a free port of the loopback."""

    def __init__(self, card: dict[str, Any] | None = None, *, chat_only: bool = False) -> None:
        """With `chat_only`, no completion is answered, and none takes an answer away."""
        self.chat_only = chat_only
        self.requests: list[dict[str, Any]] = []
        """All that were asked, in their order."""
        self.card = {"id": "scripted", **(card or {})}
        self.models_gate = threading.Event()
        self.models_gate.set()
        self.models_asked = threading.Event()
        self._answers: queue.Queue[Answer] = queue.Queue()
        handler = type("Handler", (_Handler,), {"model": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> "ScriptedModel":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answers(
        self,
        *pieces: str,
        held: bool = False,
        stops_before: int | None = None,
        breaks_before: int | None = None,
    ) -> Answer:
        """Answer the next request that has no answer yet with `pieces`."""
        answer = Answer(pieces, held=held, stops_before=stops_before, breaks_before=breaks_before)
        self._answers.put(answer)
        return answer

    def refuses(self, message: str) -> Answer:
        """Refuse the next request that has no answer yet."""
        answer = Answer(refusal=message)
        self._answers.put(answer)
        return answer

    @property
    def unused(self) -> int:
        """How many answers nobody asked for."""
        return self._answers.qsize()

    def _next(self) -> Answer:
        try:
            return self._answers.get_nowait()
        except queue.Empty:
            return Answer(refusal="the test expected no request")
