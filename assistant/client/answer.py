"""An answer on its way: its text in pieces, and how it ended."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from assistant.prompts.echo import EchoFilter
from assistant.prompts.stopping import StopFilter

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an answer's text, and at its end how it ended."""

    text: str
    finish: Finish | None = None
    """`stop`: the model or a stop text ended it; `length`: there was no room for more."""
    tokens: int | None = None
    """Of the whole answer, where the server counts them: told once, behind its text."""


Pieces = AsyncGenerator[Piece, None]


def finish_of(reason: object) -> Finish | None:
    """How an answer ended, in the words that servers use for it."""
    if reason is None or reason == "":
        return None
    return "length" if reason in ("length", "limit") else "stop"


class AnswerStream:
    """The text of an answer, piece by piece. `contextlib.aclosing` ends it, and the generation."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self.finish: Finish | None = None
        """How it ended, once it has; None before that, and where the server doesn't say."""

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        while True:
            piece = await anext(self._pieces)
            self.finish = piece.finish or self.finish
            if piece.text:
                return piece.text

    async def aclose(self) -> None:
        """End the answer here; what may still come is not wanted."""
        await self._pieces.aclose()


async def up_to(pieces: Pieces, stops: Sequence[str], *, drop_space: bool = False) -> Pieces:
    """The answer before the first of `stops`, whatever the server made of them.

    `drop_space` leaves out a space that it begins with.
    """
    held = StopFilter(stops)
    async with aclosing(pieces):
        async for piece in pieces:
            text = piece.text
            if drop_space and text:
                text, drop_space = text.removeprefix(" "), False
            text = held.push(text) + (held.finish() if piece.finish else "")
            yield Piece(text, "stop" if held.stopped else piece.finish)
            if held.stopped:
                return
    if rest := held.finish():
        yield Piece(rest)


async def without_echo(pieces: Pieces, start: str) -> Pieces:
    """The answer behind what it repeats of `start`, which stands before the cursor already."""
    echo = EchoFilter(start)
    async with aclosing(pieces):
        async for piece in pieces:
            text = echo.push(piece.text) + (echo.finish() if piece.finish else "")
            yield Piece(text, piece.finish)
    if rest := echo.finish():
        yield Piece(rest)
