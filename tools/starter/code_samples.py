"""The texts of code samples: a hole to fill in a file, and a comment with the code below it."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from assistant.messages import CompletionRequest
from assistant.prompts.blocks import block_end

_COMMENT = re.compile(r"^( *)# [A-Za-z][^\n]{14,90}$")


@dataclass(frozen=True)
class Hole:
    """A place in a file where an editor would ask, and what stands there."""

    request: CompletionRequest
    middle: str


def cut(text: str, rng: random.Random, context: int) -> Hole:
    """A hole in `text`: mostly the rest of a line, and whole lines behind it.

    `context` is how many characters of prefix and suffix there may be together.
    """
    start = _start(text, rng)
    end = _end(text, start, rng)
    prefix_share = rng.uniform(0.45, 0.9)
    before = max(60, int(context * prefix_share))
    prefix = text[max(0, start - before) : start]
    if len(prefix) == before:
        prefix = prefix[prefix.find("\n") + 1 :] if "\n" in prefix else prefix
    return Hole(
        CompletionRequest(prefix, _suffix(text, end, rng, context - before), "python"),
        text[start:end],
    )


def _start(text: str, rng: random.Random) -> int:
    """Where the cursor stands: within a line, behind its indentation, or at the end of a line."""
    anywhere = rng.randrange(len(text))
    kind = rng.random()
    if kind < 0.1:
        return anywhere
    line = text.rfind("\n", 0, anywhere) + 1
    end = text.find("\n", line)
    end = len(text) if end < 0 else end
    body = text[line:end]
    indented = line + len(body) - len(body.lstrip())
    if kind < 0.45 or end - indented < 3:
        return indented
    if kind < 0.58:
        return end
    return rng.randrange(indented + 1, end)


def _end(text: str, start: int, rng: random.Random) -> int:
    """Where the hole ends: a line's end, mostly this line's, sometimes some lines further on."""
    if rng.random() < 0.06:
        return min(len(text), start + rng.randrange(1, 80))
    lines = rng.choices((1, 2, 3, 4, 5, 6), weights=(58, 14, 10, 8, 6, 4))[0]
    return block_end(text, start, lines)


def _suffix(text: str, end: int, rng: random.Random, room: int) -> str:
    kind = rng.random()
    if kind < 0.3:
        return ""
    suffix = text[end : end + max(0, room)]
    if kind < 0.6:
        return "\n".join(suffix.split("\n")[: rng.randrange(2, 8)])
    return suffix


def comment_to_code(window: Callable[[], str], rng: random.Random) -> tuple[str, str] | None:
    """Some lines that end with a comment, and the lines of the block that follows it."""
    lines = window().split("\n")
    found = [number for number, line in enumerate(lines[:-3]) if _COMMENT.match(line)]
    rng.shuffle(found)
    for number in found:
        indent = len(lines[number]) - len(lines[number].lstrip())
        answer: list[str] = []
        for line in lines[number + 1 : -1]:
            shallow = len(line) - len(line.lstrip()) < indent
            if not line.strip() or shallow or _COMMENT.match(line) or len(answer) == 8:
                break
            answer.append(line)
        if answer and not answer[0].lstrip().startswith("#"):
            before = lines[max(0, number - rng.randrange(0, 9)) : number + 1]
            return "\n".join(before), "\n".join(answer)
    return None
