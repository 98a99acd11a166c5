"""The wire to the editor: standard input, read in the event loop itself.

pygls reads it in other threads. Each message then changes threads three times, and each time waits
for a processor where the model computes on all of them; and a head that is no head ends it.
"""

import asyncio
import re
import sys
import threading
from contextlib import suppress
from typing import BinaryIO

from pygls.io_ import StdoutWriter, run_async

from assistant_lsp.protocol import AssistantLanguageServer

_LIMIT = 1 << 20
"""Bytes of a head's line, and about what is read ahead."""
_NO_HEAD = b"-\r\n"
_ENDLESS = re.compile(rb"Content-Length: *\d{10,}")


def serve(server: AssistantLanguageServer, output: BinaryIO) -> None:
    """Serve until the editor says `exit` or closes its end."""
    server.protocol.set_writer(StdoutWriter(output))
    try:
        with suppress(BrokenPipeError, SystemExit):
            asyncio.run(_serve(server))
    finally:
        server.shutdown()  # type: ignore[no-untyped-call]


async def _serve(server: AssistantLanguageServer) -> None:
    stream = asyncio.StreamReader(limit=_LIMIT)
    protocol = asyncio.StreamReaderProtocol(stream)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    never = threading.Event()
    await run_async(
        never, _Input(stream), server.protocol, error_handler=server.report_server_error
    )


class _Input:
    """What pygls reads lines and bodies from."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream

    async def readline(self) -> bytes:
        """The next line of a head; what cannot be one is made a line that says nothing."""
        try:
            line = await self._stream.readline()
        except ValueError:  # a line without an end
            return _NO_HEAD
        return _NO_HEAD if _ENDLESS.match(line) else line

    async def readexactly(self, size: int) -> bytes:
        """A body, or nothing where the editor leaves within it."""
        # Whoever was called by the message before looks at the documents as they are now.
        await asyncio.sleep(0)
        with suppress(asyncio.IncompleteReadError):
            return await self._stream.readexactly(size)
        return b""
