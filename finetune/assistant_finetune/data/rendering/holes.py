"""Places in a file where an editor would ask, and what stands there."""

import hashlib
import random
from collections.abc import Iterator

from assistant.messages import CompletionRequest
from assistant.prompts.blocks import block_end
from assistant_finetune.data.examples import Document, Hole

_CHARACTERS = 500
"""One place for so many characters of a file."""
_MOST = 60
_LINES = ((1, 60), (2, 13), (3, 10), (4, 8), (6, 9))
"""How many lines are asked for, and how often."""
_NO_SUFFIX = 0.2
"""So often nothing stands behind the place yet, as at the end of a file that is written."""


def holes(document: Document, seed: int) -> Iterator[Hole]:
    """Places in a document; the same ones for the same text and seed."""
    digest = hashlib.sha256(document.text.encode("utf-8", "replace")).hexdigest()
    rng = random.Random(f"{seed} {digest}")
    count = min(_MOST, max(1, len(document.text) // _CHARACTERS))
    for number in range(1, count + 1):
        if (hole := _hole(document, rng, number)) is not None:
            yield hole


def _hole(document: Document, rng: random.Random, number: int) -> Hole | None:
    text = document.text
    start = _start(text, rng)
    end = _end(text, start, rng)
    middle = text[start:end]
    if not middle.strip():
        return None
    suffix = "" if rng.random() < _NO_SUFFIX else text[end:]
    request = CompletionRequest(text[:start], suffix, document.language, document.path)
    return Hole(request, middle, document.origin.inner(f"place {number}"))


def _start(text: str, rng: random.Random) -> int:
    """Where the cursor stands: mostly behind a line's indentation or at the end of a line."""
    anywhere = rng.randrange(len(text))
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
