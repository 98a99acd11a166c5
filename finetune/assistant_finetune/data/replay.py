"""Code that is none of the user's, learned along so that what a base knew is not forgotten.

Rehearsal of what was learned before (Robins 1995, "Catastrophic forgetting, rehearsal and
pseudorehearsal"). It is taken from Python's standard library, which every machine has that runs
this, and which every model of code has read.
"""

import hashlib
import random
import sysconfig
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from assistant.context.files import read_source
from assistant_finetune.data.code import is_code
from assistant_finetune.data.examples import Document, Example
from assistant_finetune.data.origin import Origin

_PIECE = 6_000
"""Characters from one file at a time, so that few of them already show many ways to write."""
_LEAST = 400
_KEPT_BACK = 10
"""One file of so many is never replayed."""
_NOT = frozenset(
    {"encodings", "idlelib", "lib2to3", "pydoc_data", "site-packages", "test", "tests"}
)
"""Folders of tables, tests, and of what is not the library's."""


def with_replay(examples: Iterable[Example], share: float, seed: int) -> Iterator[Example]:
    """The examples, and behind them so much of the library that it makes up `share` of the code.

    Of every two pieces one is learned as code is, and one as it stands. Data without code gets
    nothing beside it. The same seed gives the same pieces.
    """
    characters = 0
    for example in examples:
        if isinstance(example, Document) and is_code(example.language):
            characters += len(example.text)
        yield example
    wanted = characters * share / (1 - share)
    learned = [file for file in library_files() if not _is_kept_back(file)]
    for number, document in enumerate(_pieces(learned, seed) if wanted else ()):
        if wanted <= 0:
            return
        wanted -= len(document.text)
        yield document if number % 2 else Document(document.text, document.origin)


def library_files() -> list[Path]:
    """The library's files of Python; none where it is packed into one file."""
    root = Path(sysconfig.get_path("stdlib"))
    files = (file.relative_to(root) for file in root.rglob("*.py"))
    return sorted(root / file for file in files if not _NOT.intersection(file.parts))


def kept_back(count: int) -> list[Document]:
    """Pieces of files that are never replayed, to be read as they stand: how much is forgotten."""
    files = [file for file in library_files() if _is_kept_back(file)]
    pieces = islice(_pieces(files, 0), count)
    return [Document(piece.text, piece.origin) for piece in pieces]


def _is_kept_back(file: Path) -> bool:
    return hashlib.sha256(file.name.encode()).digest()[0] % _KEPT_BACK == 0


def _pieces(files: list[Path], seed: int) -> Iterator[Document]:
    """Pieces of all files in random order, and again in another one, for ever if there are any."""
    rng = random.Random(f"replay {seed}")
    found = True
    while found:
        found = False
        for file in rng.sample(files, len(files)):
            text = read_source(file) or ""
            start = text.rfind("\n", 0, rng.randrange(max(1, len(text) - _PIECE))) + 1
            piece = text[start : start + _PIECE]
            if len(piece) >= _LEAST:
                found = True
                yield Document(piece, Origin(f"python/{file.name}"), file.name, "python")
