"""Places in held-out packages where a completion is asked for, and what the author wrote there."""

import random
from dataclasses import dataclass

from assistant.messages import CompletionRequest
from tools.starter.documents import Pool

PREFIX_CHARACTERS, SUFFIX_CHARACTERS = 1_200, 400
"""What the model sees before and after the cursor, at most; whole lines before it."""
LINE, REST = "line", "rest"
"""The cursor behind a line's indentation, and somewhere within the line."""


@dataclass(frozen=True)
class Place:
    """A cursor, and the rest of its line, which the file behind the cursor lacks."""

    request: CompletionRequest
    wanted: str


def draw(pool: Pool, kind: str, count: int, seed: int) -> list[Place]:
    """The same places for the same seed."""
    rng = random.Random(f"places {kind} {seed}")
    found: list[Place] = []
    while len(found) < count:
        place = _place(pool.draw(rng).text, kind, rng)
        if place is not None:
            found.append(place)
    return found


def _place(text: str, kind: str, rng: random.Random) -> Place | None:
    anywhere = rng.randrange(len(text))
    start = text.rfind("\n", 0, anywhere) + 1
    end = text.find("\n", start)
    end = len(text) if end < 0 else end
    line = text[start:end].rstrip()
    indented = start + len(line) - len(line.lstrip())
    if len(line.strip()) < 4 or start < 200:
        return None
    cursor = indented if kind == LINE else rng.randrange(indented + 1, start + len(line) - 1)
    prefix = text[max(0, cursor - PREFIX_CHARACTERS) : cursor]
    if len(prefix) == PREFIX_CHARACTERS:
        prefix = prefix[prefix.find("\n") + 1 :]
    request = CompletionRequest(prefix, text[end : end + SUFFIX_CHARACTERS], "python")
    return Place(request, text[cursor : start + len(line)])
