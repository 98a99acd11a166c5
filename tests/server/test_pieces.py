"""Pieces on their way from the engine's thread: none is lost, and what comes together goes so."""

import asyncio
import threading

from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.engine.requests import Chunk, Finish
from assistant.errors import Cancelled
from assistant.server.pieces import Pieces

TEXTS = st.lists(st.tuples(st.integers(0, 2), st.text("ab\n", max_size=3)), max_size=30)


@settings(max_examples=50, deadline=None)
@given(TEXTS)
def test_every_text_arrives_whole_and_in_order(texts: list[tuple[int, str]]) -> None:
    came, pieces = asyncio.run(sent_from_a_thread(texts))
    for number in range(3):
        said = "".join(text for which, text in texts if which == number)
        assert "".join(text for which, text in came if which == number) == said
    assert pieces <= len(texts) + 3


async def sent_from_a_thread(texts: list[tuple[int, str]]) -> tuple[list[tuple[int, str]], int]:
    """What was taken of the texts and the three ends, and in how many pieces."""
    pieces = Pieces()

    def send() -> None:
        for number, text in texts:
            pieces.put((number, Chunk(text)))
        for number in range(3):
            pieces.put((number, Chunk("", "stop")))

    thread = threading.Thread(target=send)
    thread.start()
    came, ends, count = list[tuple[int, str]](), list[Finish](), 0
    while len(ends) < 3:
        for piece in await pieces.take():
            assert not isinstance(piece, Exception)
            count += 1
            came.append((piece[0], piece[1].text))
            ends += [piece[1].finish] if piece[1].finish else []
    thread.join()
    return came, count


async def test_what_has_come_goes_together_and_an_error_after_it() -> None:
    pieces = Pieces()
    for text in ("a", "b"):
        pieces.put((0, Chunk(text)))
    error = Cancelled("it ends")
    pieces.put(error)
    assert await pieces.take() == [(0, Chunk("ab")), error]


async def test_a_line_end_and_the_last_piece_are_not_kept_waiting() -> None:
    pieces = Pieces()
    pieces.put((0, Chunk("first")))
    await pieces.take()
    pieces.put((0, Chunk("a")))
    waiting = asyncio.ensure_future(pieces.take())
    await asyncio.sleep(0)
    pieces.put((0, Chunk("b\n")))
    assert await waiting == [(0, Chunk("ab\n"))]
    pieces.put((0, Chunk("c", "length")))
    assert await pieces.take() == [(0, Chunk("c", "length"))]
