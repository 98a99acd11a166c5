"""Places in a file where an editor would ask, and what stands there."""

import hashlib
import math
import random
from collections.abc import Iterator

from assistant.messages import CompletionRequest
from assistant.prompts.blocks import block_end
from assistant_finetune.data.examples import Document, Hole

_CHARACTERS = 800
"""One place for so many characters of a file."""
_TRIES = 8
"""Until something stands at a place: a small file has few of them."""
_LINES = ((1, 60), (2, 13), (3, 10), (4, 8), (6, 9))
"""How many lines are asked for, and how often."""
_NO_SUFFIX = 0.2
"""So often nothing stands behind the place yet, as at the end of a file that is written."""
_WHOLE_FILE = 0.2
"""So often all of the file is around the place, as far as it fits, as when an editor asks."""
_AROUND = (240, 4_000)
"""Otherwise so many characters are, less more often than more: the text around takes nearly all of
the time, so that much of it leaves few places to be learned."""
_BEFORE = (0.45, 0.9)
"""The share of these that stands before the place."""


def holes(document: Document, seed: int) -> Iterator[Hole]:
    """Places in a document, one in each stretch of it; the same for the same text and seed."""
    text = document.text
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    rng = random.Random(f"{seed} {digest}")
    count = max(1, len(text) // _CHARACTERS)
    for number in range(count):
        stretch = range(len(text) * number // count, len(text) * (number + 1) // count)
        if stretch and (hole := _hole(document, rng, stretch, number + 1)) is not None:
            yield hole


def _hole(document: Document, rng: random.Random, stretch: range, number: int) -> Hole | None:
    text = document.text
    for _ in range(_TRIES):
        start = _start(text, rng, stretch)
        end = _end(text, start, rng)
        if text[start:end].strip():
            break
    else:
        return None
    middle = text[start:end]
    before, after = _around(len(text), rng)
    prefix = _from_a_line(text, max(0, start - before), start)
    suffix = "" if rng.random() < _NO_SUFFIX else text[end : end + after]
    request = CompletionRequest(prefix, suffix, document.language, document.path)
    return Hole(request, middle, document.origin.inner(f"place {number}"))


def _start(text: str, rng: random.Random, stretch: range) -> int:
    """Where the cursor stands: mostly behind a line's indentation or at the end of a line."""
    anywhere = rng.choice(stretch)
    line = text.rfind("\n", 0, anywhere) + 1
    end = text.find("\n", line)
    end = len(text) if end < 0 else end
    body = text[line:end]
    indented = line + len(body) - len(body.lstrip())
    kind = rng.random()
    if kind < 0.4 or end - indented < 3:
        return indented
    if kind < 0.6:
        return end
    return rng.randrange(indented + 1, end)


def _end(text: str, start: int, rng: random.Random) -> int:
    """The end of this line, or of one some lines below that belongs to the same block."""
    counts, weights = zip(*_LINES, strict=True)
    lines = rng.choices(counts, weights)[0]
    return block_end(text, start, lines)


def _around(length: int, rng: random.Random) -> tuple[int, int]:
    """How many characters stand before a place, and behind it, in a file of `length`."""
    if rng.random() < _WHOLE_FILE:
        return length, length
    least, most = map(math.log, _AROUND)
    characters = math.exp(rng.uniform(least, most))
    before = int(characters * rng.uniform(*_BEFORE))
    return before, int(characters) - before


def _from_a_line(text: str, earliest: int, start: int) -> str:
    """The text up to `start`, from the first line that begins behind `earliest`."""
    if earliest == 0 or text[earliest - 1] == "\n":
        return text[earliest:start]
    newline = text.find("\n", earliest, start)
    return text[newline + 1 : start] if newline >= 0 else text[earliest:start]
