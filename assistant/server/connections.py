"""Connections that are neither too many nor slow on purpose."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from assistant.server.limits import Limits

_READ_BYTES = 65_536
"""What is taken from a connection at once, at most."""


def bounded_protocol(limits: Limits) -> type[asyncio.Protocol]:
    """uvicorn's protocol, with limits on how many connections there are and how long they dawdle.

    A body that belongs to a running request is timed where it is read (`bodies`). Here are the
    times when no request runs: until its first lines have come, and after its answer, while what
    was refused of its body is thrown away.

    All connections are read into one buffer. For a plain protocol asyncio makes one of 256 KB for
    each read and shrinks it to what came, which leaves the C library's heap full of holes: it grew
    by 2.7 MB in twenty minutes of load, and went on growing.
    """
    buffer = memoryview(bytearray(_READ_BYTES))

    class BoundedProtocol(H11Protocol, asyncio.BufferedProtocol):
        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                transport.abort()
                return
            self._wait(limits.head_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def get_buffer(self, sizehint: int) -> memoryview:
            return buffer

        def buffer_updated(self, nbytes: int) -> None:
            self.data_received(bytes(buffer[:nbytes]))

        def data_received(self, data: bytes) -> None:
            refused = self._refused_body
            if self._waiting is None and self._between_requests:
                self._wait(limits.head_seconds)
            super().data_received(data)
            if not self._refused_body and (refused or not self._between_requests):
                self._stop_waiting()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self._refused_body:
                self._wait(limits.drain_seconds)

        @property
        def _between_requests(self) -> bool:
            return self.conn.their_state is h11.IDLE

        @property
        def _refused_body(self) -> bool:
            """Whether an answer is given, and its request still arrives."""
            return self.conn.their_state is h11.SEND_BODY and self.conn.our_state is h11.DONE

        def _wait(self, seconds: float) -> None:
            self._stop_waiting()
            self._waiting = self.loop.call_later(seconds, self.transport.abort)

        def _stop_waiting(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

    return BoundedProtocol
