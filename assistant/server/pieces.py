"""The pieces of an answer, on their way from the engine's thread to the event loop.

A small model makes a token in less time than it takes to send one, and sending takes it from the
cores that make the next. So the first piece goes at once, and so do line ends, for which editors
wait, and the end; what else comes within a moment goes together.
"""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress

from assistant.engine.requests import Chunk

Piece = tuple[int, Chunk] | Exception
"""A piece of the answer of that number, or what ended all of them."""

TOGETHER_SECONDS = 0.01


class Pieces:
    """Takes pieces from any thread, and gives them to one task of the loop that it is made in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._come: list[Piece] = []
        self._wanted = False
        """Whether somebody waits for whatever comes next."""
        self._called = asyncio.Event()
        self._taken = -TOGETHER_SECONDS

    def put(self, piece: Piece) -> None:
        """Add a piece, in any thread. Does not block."""
        with self._lock:
            self._come.append(piece)
            call, self._wanted = self._wanted or _is_urgent(piece), False
        if call:
            # The loop is closed when the server has ended without waiting for the engine.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._called.set)

    async def take(self) -> list[Piece]:
        """What has come, once there is something; of each answer there is at most one piece."""
        pause = self._taken + TOGETHER_SECONDS - self._loop.time()
        if pause > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._called.wait()
        while not (come := self._grabbed()):
            await self._called.wait()
        self._taken = self._loop.time()
        return _joined(come)

    def _grabbed(self) -> list[Piece]:
        self._called.clear()
        with self._lock:
            come, self._come = self._come, []
            self._wanted = not come
        return come


def _is_urgent(piece: Piece) -> bool:
    return isinstance(piece, Exception) or piece[1].finish is not None or "\n" in piece[1].text


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """The same text in as few pieces as can be."""
    chunks: dict[int, list[Chunk]] = {}
    for piece in pieces:
        if isinstance(piece, Exception):
            return [*_whole(chunks), piece]
        chunks.setdefault(piece[0], []).append(piece[1])
    return _whole(chunks)


def _whole(chunks: dict[int, list[Chunk]]) -> list[Piece]:
    return [(number, _as_one(parts)) for number, parts in chunks.items()]


def _as_one(parts: Sequence[Chunk]) -> Chunk:
    text = "".join(part.text for part in parts)
    tokens = tuple(token for part in parts for token in part.tokens)
    return Chunk(text, parts[-1].finish, parts[-1].usage, tokens)
