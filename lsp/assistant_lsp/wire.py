"""The wire to the editor: standard input, read in the event loop itself.

pygls reads it in other threads. Each message then changes threads three times, and each time waits
for a processor where the model computes on all of them; and a head that is no head ends it.
"""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, cast

from lsprotocol.types import TEXT_DOCUMENT_DID_CHANGE
from pygls.exceptions import JsonRpcException
from pygls.io_ import StdoutWriter

from assistant_lsp.protocol import AssistantLanguageServer

_LIMIT = 1 << 20
"""Bytes of a head's line, and of messages that wait their turn before no more are read."""
_EDITS = 16
"""As many as are taken in one turn of the loop."""
_LENGTH = re.compile(rb"Content-Length: (\d{1,9})\r\n")
"""What says that more comes is no head: nobody could wait for that."""


def serve(server: AssistantLanguageServer, output: BinaryIO) -> None:
    """Serve until the editor says `exit` or closes its end."""
    server.protocol.set_writer(StdoutWriter(output))
    try:
        with suppress(BrokenPipeError, SystemExit):
            asyncio.run(_serve(server))
    finally:
        server.shutdown()  # type: ignore[no-untyped-call]


async def _serve(server: AssistantLanguageServer) -> None:
    def take(body: bytes) -> bool:
        try:
            message = json.loads(body)
            server.protocol.handle_message(message)
        except Exception as error:
            server.report_server_error(error, JsonRpcException)
            return False
        return isinstance(message, dict) and message.get("method") == TEXT_DOCUMENT_DID_CHANGE

    messages = _Messages(take)
    await asyncio.get_running_loop().connect_read_pipe(lambda: messages, sys.stdin)
    await messages.ended


class _Messages(asyncio.Protocol):
    """Cuts what comes in into messages, and passes them on.

    One in each turn of the loop: whoever was called by the message before looks at the documents
    as they are now. Edits in a row call nobody who would, and are in effect the sooner together.
    """

    def __init__(self, take: Callable[[bytes], bool]) -> None:
        """`take` returns whether the message was an edit."""
        self._take = take
        self._loop = asyncio.get_running_loop()
        self.ended = self._loop.create_future()
        """Done when the editor has closed its end, and all that it had sent is passed on."""
        self._input = bytearray()
        self._size = 0
        """Bytes of the body that the head speaks of; 0 before it does."""
        self._in_body = False
        self._in_turn = False
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.ReadTransport, transport)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._input += data
        if not self._in_turn:
            self._pass_on()
        elif len(self._input) > _LIMIT:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._closed = True
        if not self._in_turn:
            self._pass_on()

    def _pass_on(self) -> None:
        for _ in range(_EDITS):
            body = self._next()
            if body is None or not self._take(body):
                break
        self._in_turn = body is not None
        if self._in_turn:
            self._loop.call_soon(self._pass_on)
        elif self._closed:
            self.ended.set_result(None)
        elif not self._transport.is_reading():
            self._transport.resume_reading()

    def _next(self) -> bytes | None:
        """The next body, or None where not all of it is there yet."""
        while not self._in_body:
            end = self._input.find(b"\n") + 1
            if not end:
                if len(self._input) > _LIMIT:  # a line without an end
                    self._input.clear()
                return None
            self._read_head(self._cut(end))
        if len(self._input) < self._size:
            return None
        body = self._cut(self._size)
        self._size, self._in_body = 0, False
        return body

    def _read_head(self, line: bytes) -> None:
        """Lines that say nothing of a length are passed over, and empty ones before it."""
        if not self._size and (found := _LENGTH.fullmatch(line)):
            self._size = int(found[1])
        self._in_body = self._size > 0 and not line.strip()

    def _cut(self, size: int) -> bytes:
        cut = bytes(self._input[:size])
        del self._input[:size]
        return cut
