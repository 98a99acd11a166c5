"""A session of typing that is replayed, and what is counted while somebody suggests."""

import asyncio
import json
import math
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from pathlib import Path
from typing import Any, Protocol

from lsprotocol import types
from tokenizers import Tokenizer

from assistant.edit import Edit
from assistant.registry import STARTER, locate
from assistant_lsp.buffer import TextBuffer
from assistant_lsp.documents import Document

SESSION = Path(__file__).with_name("sessions") / "keystrokes.json"
_WORTH_A_KEY = 5
"""Characters of a suggestion; for fewer nobody stops to look."""
_READING = 0.4
"""Seconds before a suggestion is accepted: somebody has to read it."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is typed in one file, and when: `\\b` takes the last character back."""

    path: str
    language: str
    before: str
    after: str
    keys: Sequence[str]
    gaps: Sequence[float]
    """Seconds before each key."""


@dataclass(frozen=True, slots=True)
class Ghost:
    """What is suggested after a key."""

    text: str
    asked: bool = True
    """Whether the model was asked when the key came; otherwise it was known already."""


class Contender(Protocol):
    """Who suggests."""

    async def open(self, document: Document) -> None:
        """Begin with a file."""

    async def edit(self, span: types.Range, text: str) -> None:
        """The document was edited."""

    async def suggest(self, document: Document, position: types.Position) -> Ghost:
        """The ghost text at a place, or an empty one."""

    async def made(self) -> int:
        """How many tokens were made so far."""


@dataclass(slots=True)
class Tally:
    """What happened with one contender."""

    keys: int = 0
    """Those that were pressed, the ones that accept a suggestion with them."""
    seconds: list[float] = field(default_factory=list)
    """From key to ghost text, for each key that there was ghost text after."""
    asked: int = 0
    """Of those, the keys after which the model was asked."""
    generated: int = 0
    """Tokens that were made."""
    useful: int = 0
    """Tokens in what was suggested and then accepted or typed."""
    saved: int = 0
    """Characters that nobody had to type."""

    def figures(self) -> dict[str, float]:
        """The measures, by the names that are printed."""
        seconds = sorted(self.seconds)
        return {
            "median, ms": 1e3 * statistics.median(seconds),
            "p95, ms": 1e3 * seconds[math.ceil(0.95 * len(seconds)) - 1],
            "keys": self.keys,
            "with text": len(seconds),
            "from cache, %": 100 * (1 - self.asked / len(seconds)),
            "tokens": self.generated,
            "for nothing": self.generated - self.useful,
            "saved": self.saved,
        }


def recorded() -> list[Part]:
    """The session of this project."""
    return [Part(**part) for part in json.loads(SESSION.read_text("utf-8"))]


async def replay(contender: Contender, parts: Sequence[Part], pauses: float) -> Tally:
    """Type the session; pauses are `pauses` times as long as those that were recorded."""
    tally = Tally()
    before = await contender.made()
    for number, part in enumerate(parts):
        await _Typist(contender, part, f"file:///project/{number}/{part.path}", tally).type(pauses)
    tally.generated = await contender.made() - before
    return tally


class _Typist:
    """Somebody who types one part, and looks at what is suggested."""

    def __init__(self, contender: Contender, part: Part, uri: str, tally: Tally) -> None:
        self._contender = contender
        self._tally = tally
        buffer = TextBuffer.of(part.before + part.after, "utf-16")
        self._document = Document(uri, part.language, 1, buffer)
        self._cursor = len(part.before)
        self._keys, self._gaps = list(part.keys), list(part.gaps)
        self._right: set[int] = set()
        """Places in the text where a character was suggested that came to stand there."""

    async def type(self, pauses: float) -> None:
        await self._contender.open(self._document)
        due = time.perf_counter()
        while self._keys:
            due = await _later(due, pauses * self._gaps.pop(0))
            key = self._keys.pop(0)
            back = key == "\b"
            ghost = await self._press(self._cursor - back, "" if back else key)
            while accepted := worth_accepting(ghost.text, "".join(self._keys)):
                due = await _later(due, pauses * _READING)
                self._tally.saved += len(accepted)
                self._drop(len(accepted))
                ghost = await self._press(self._cursor, accepted)
        self._tally.useful += tokens_in(self._document.buffer.text, self._right)

    async def _press(self, start: int, text: str) -> Ghost:
        """Replace what stands between `start` and the cursor, and look what is suggested then."""
        document = self._document
        span = document.buffer.span(start, self._cursor)
        buffer = document.buffer.replaced(Edit(start, self._cursor, text))
        self._cursor = start + len(text)
        self._document = Document(document.uri, document.language, document.version + 1, buffer)
        pressed = time.perf_counter()
        await self._contender.edit(span, text)
        ghost = await self._contender.suggest(self._document, buffer.position(self._cursor))
        seconds = time.perf_counter() - pressed
        self._tally.keys += 1
        if ghost.text:
            self._tally.seconds.append(seconds)
            self._tally.asked += ghost.asked
            right = common_start(ghost.text, "".join(self._keys))
            self._right.update(range(self._cursor, self._cursor + right))
        return ghost

    def _drop(self, characters: int) -> None:
        """What was accepted is not typed."""
        while self._keys and characters >= len(self._keys[0]):
            characters -= len(self._keys.pop(0))
            self._gaps.pop(0)
        if characters:
            self._keys[0] = self._keys[0][characters:]


async def _later(due: float, pause: float) -> float:
    """Wait until the next key is due; when that was."""
    due = max(due + pause, time.perf_counter())
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    return due


def worth_accepting(ghost: str, coming: str) -> str:
    """What somebody accepts of a suggestion: all of it, or its first lines, as far as it is right.

    Empty where that is hardly more than a key or two.
    """
    lines = ghost.split("\n")
    for count in range(len(lines), 0, -1):
        text = "\n".join(lines[:count])
        if coming.startswith(text):
            return text if len(text.strip()) >= _WORTH_A_KEY else ""
    return ""


def common_start(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def tokens_in(text: str, places: Iterable[int]) -> int:
    """Tokens in the runs of a text that these places make, as the starter counts."""
    tokenizer: Any = Tokenizer.from_file(str(locate(STARTER).folder / "tokenizer.json"))
    runs = groupby(enumerate(sorted(places)), lambda pair: pair[1] - pair[0])
    texts = ("".join(text[place] for _, place in run) for _, run in runs)
    return sum(len(tokenizer.encode(run, add_special_tokens=False).ids) for run in texts)
