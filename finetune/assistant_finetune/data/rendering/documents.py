"""Texts to be learned whole, in windows that end with a line where they can."""

from collections.abc import Iterator

from assistant.prompts import Renderer
from assistant.prompts.encoding import encode_each
from assistant.prompts.segments import BOS, EOS, Kind, Segment
from assistant_finetune.data.examples import Document
from assistant_finetune.data.rendering.sample import Rendering, Sample, made

_LOOK_BACK = 4
"""A window may end so early, by this part of its length, to end with a line."""
_LEAST = 2
"""Tokens of a text from which anything can be learned."""


def document_samples(document: Document, rendering: Rendering) -> Iterator[Sample]:
    """The whole text, in so many windows as it takes; each token is learned once."""
    begin, text, end = _ids(document.text, rendering.renderer)
    room = rendering.max_length - len(begin)
    windows = list(_windows(text + end, room, rendering.renderer))
    for number, window in enumerate(windows, start=1):
        if len(window) < _LEAST and number > 1:
            continue  # the end of the text alone
        part = f"window {number} of {len(windows)}"
        origin = document.origin.inner(part) if len(windows) > 1 else document.origin
        weights = [0.0] * len(begin) + [1.0] * len(window)
        yield made([*begin, *window], weights, origin)


def _ids(text: str, renderer: Renderer) -> tuple[list[int], list[int], list[int]]:
    """The ids that begin a text, its own, and what ends it, each as the vocabulary has it."""
    segments = [Segment(Kind.TOKEN, BOS), Segment(Kind.CONTENT, text)]
    if renderer.tokenizer.token_id(EOS) is not None:
        segments.append(Segment(Kind.TOKEN, EOS))
    begin, own, *end = (piece for _, piece in encode_each(segments, renderer.tokenizer))
    return begin, own, [number for piece in end for number in piece]


def _windows(ids: list[int], room: int, renderer: Renderer) -> Iterator[list[int]]:
    start = 0
    while len(ids) - start > room:
        end = start + room
        earliest = end - room // _LOOK_BACK
        lines = (
            place
            for place in range(end, earliest, -1)
            if renderer.tokenizer.token_bytes(ids[place - 1]).endswith(b"\n")
        )
        end = next(lines, end)
        yield ids[start:end]
        start = end
    yield ids[start:]
