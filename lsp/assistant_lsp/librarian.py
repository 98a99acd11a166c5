"""The process that indexes the project, as seen from the editor's: nothing waits for it."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assistant.context.librarian import COMMAND
from assistant.context.pieces import Piece
from assistant.context.resolve import Place
from assistant.paths import state_dir

_ANSWER_SECONDS = 5.0
_LONGEST_LINE = 16_000_000
_MOST_WAITING = 8_000_000
"""Bytes; where it cannot keep up with the news, it will read what is on disk."""
_STARTS = 3
"""After so many deaths it stays dead; there is no context then."""


class Librarian:
    """Starts the process when something is asked, and again if it dies. Use it in one loop."""

    def __init__(self, on_indexed: Callable[[], None], command: Sequence[str] = COMMAND) -> None:
        """`on_indexed` is called when a project was looked at as a whole."""
        self._on_indexed = on_indexed
        self._command = command
        self._roots: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._starts = 0
        self._asked: dict[int, asyncio.Future[list[Piece]]] = {}
        self._count = 0

    def open_roots(self, roots: Sequence[Path]) -> None:
        """These folders are open from now on."""
        folders = [str(root) for root in roots]
        if folders != self._roots:
            self._roots = folders
            self._send({"roots": folders})

    def tell(self, message: Mapping[str, Any]) -> None:
        """Pass news on, if it runs: otherwise it will read what is on disk."""
        self._send(message)

    async def ask(self, place: Place, open_files: Sequence[str]) -> list[Piece] | None:
        """What may help at a place, or None where it is not known now. Raises nothing."""
        if await self.running() is None:
            return None
        self._count += 1
        number = self._count
        answer: asyncio.Future[list[Piece]] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self._send({"ask": number, "place": asdict(place), "open": list(open_files)})
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await answer
        except (TimeoutError, ConnectionError):
            return None
        finally:
            self._asked.pop(number, None)

    async def aclose(self) -> None:
        """End the process."""
        self._starts = _STARTS
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        if self._reading is not None:
            _, late = await asyncio.wait([self._reading], timeout=_ANSWER_SECONDS)
            if late and self._process is not None:
                with suppress(ProcessLookupError):
                    self._process.kill()

    async def running(self) -> int | None:
        """Make sure that it runs; how often it was started, or None where it cannot be.

        One that was started anew knows nothing of what it was told before.
        """
        async with self._starting:
            if self._reading is None or self._reading.done():
                if self._starts >= _STARTS:
                    return None
                self._starts += 1
                try:
                    state_dir().mkdir(mode=0o700, parents=True, exist_ok=True)
                    self._process = await asyncio.create_subprocess_exec(
                        *self._command,
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        stderr=asyncio.subprocess.DEVNULL,
                        cwd=state_dir(),
                        limit=_LONGEST_LINE,
                    )
                except OSError:
                    return None
                self._reading = asyncio.ensure_future(self._read(self._process))
                self._send({"roots": self._roots})
            return self._starts

    def _send(self, message: Mapping[str, Any]) -> None:
        if self._process is None or self._process.stdin is None or self._process.stdin.is_closing():
            return
        if self._process.stdin.transport.get_write_buffer_size() > _MOST_WAITING:
            return
        with suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                self._take(json.loads(line))
        except ValueError:  # what it says cannot be understood: it is of no use
            with suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionError("it has ended"))

    def _take(self, message: Mapping[str, Any]) -> None:
        if "indexed" in message:
            self._on_indexed()
            return
        answer = self._asked.get(message["answer"])
        if answer is not None and not answer.done():
            answer.set_result([Piece(**piece) for piece in message["pieces"]])
