"""Places in a project's files, and what stands there."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.context.files import read_source, source_files
from assistant.errors import UsageError
from assistant.messages import CompletionRequest
from assistant_eval.completion.unseen import Unseen

Kind = Literal["line", "block"]
KINDS: tuple[Kind, ...] = ("line", "block")
_SHORTEST = 4
"""Characters of a line that is asked for."""
_FEWEST, _MOST = 2, 5
"""Lines of a block."""


@dataclass(frozen=True, slots=True)
class Place:
    """A gap in a file: the cursor stands behind the indentation of its first line."""

    path: str
    line: int
    """The first line of the gap, counted from 1."""
    kind: Kind
    text: str
    """What stands there, from the cursor on, without the last line's end."""
    request: CompletionRequest

    @property
    def lines(self) -> int:
        """How many lines stand there."""
        return self.text.count("\n") + 1


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: str
    language: str
    first: int
    count: int


def choose(repo: Path, unseen: Unseen, count: int, seed: int) -> list[Place]:
    """So many places of each kind, or as many as there are, by chance from all files alike.

    Raises UsageError where there is none.
    """
    candidates: dict[Kind, list[_Candidate]] = {kind: [] for kind in KINDS}
    texts: dict[str, list[str]] = {}
    for file in source_files(repo):
        text = read_source(repo / file.path)
        lines = (text or "").splitlines(keepends=True)
        allowed = frozenset(unseen.lines(file.path, len(lines)))
        texts[file.path] = lines
        for kind, first, size in _gaps(lines, allowed):
            candidates[kind].append(_Candidate(file.path, file.language, first, size))
    rng = random.Random(seed)
    places = []
    for kind, found in candidates.items():
        for one in sorted(rng.sample(found, min(count, len(found))), key=_order):
            places.append(_place(repo, one, kind, texts[one.path]))
    if not places:
        raise UsageError(
            f"nothing in {repo} can be asked for: there is no code in it, or none that the model"
            " cannot have learned"
        )
    return places


def _order(one: _Candidate) -> tuple[str, int]:
    return one.path, one.first


def _gaps(lines: Sequence[str], allowed: frozenset[int]) -> Iterator[tuple[Kind, int, int]]:
    """Every gap that may be asked for: its kind, its first line and how many lines it has."""
    for first in range(1, len(lines) + 1):
        if first not in allowed or len(lines[first - 1].strip()) < _SHORTEST:
            continue
        yield "line", first, 1
        size = _block(lines, first)
        if size >= _FEWEST and allowed.issuperset(range(first, first + size)):
            yield "block", first, size


def _block(lines: Sequence[str], first: int) -> int:
    """How many lines from this one on belong together: none blank, none less indented."""
    indent, size = _indent(lines[first - 1]), 0
    for line in lines[first - 1 : first - 1 + _MOST]:
        if not line.strip() or _indent(line) < indent:
            break
        size += 1
    return size


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _place(repo: Path, one: _Candidate, kind: Kind, lines: Sequence[str]) -> Place:
    gap = "".join(lines[one.first - 1 : one.first - 1 + one.count])
    inner = gap.rstrip()
    start = _indent(inner)
    request = CompletionRequest(
        prefix="".join(lines[: one.first - 1]) + inner[:start],
        suffix=gap[len(inner) :] + "".join(lines[one.first - 1 + one.count :]),
        language=one.language,
        path=str(repo / one.path),
        project=str(repo),
    )
    return Place(one.path, one.first, kind, inner[start:].replace("\r\n", "\n"), request)
