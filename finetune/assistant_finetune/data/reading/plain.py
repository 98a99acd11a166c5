"""Plain text, in pieces that end between paragraphs."""

from collections.abc import Iterator
from io import BufferedReader, TextIOWrapper

from assistant_finetune.data.journal import Changed, Journal
from assistant_finetune.data.origin import Origin

PIECE = 200_000
"""Characters; what is longer is taken for several texts."""


def read_plain(
    stream: BufferedReader, source: str, journal: Journal
) -> Iterator[tuple[str, Origin]]:
    """The text, whole where it is short. That bytes are no UTF-8 is told the journal, once."""
    text = TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline=None)
    line, waiting = 1, ""
    damaged = False
    while piece := text.read(PIECE):
        if "\ufffd" in piece and not damaged:
            damaged = True
            what = "bytes that are no UTF-8 read as U+FFFD"
            journal.change(Changed(Origin(source, line), what))
        waiting += piece
        if len(waiting) > PIECE:
            end = _end(waiting)
            yield waiting[:end], Origin(source, line)
            line += waiting.count("\n", 0, end)
            waiting = waiting[end:]
    if waiting.strip():
        yield waiting, Origin(source, line)


def _end(text: str) -> int:
    """Behind the last paragraph, or at least the last line, or else all of it."""
    for border in ("\n\n", "\n"):
        place = text.rfind(border, len(text) // 2)
        if place >= 0:
            return place + len(border)
    return len(text)
