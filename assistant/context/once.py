"""What there is to send for one completion, for those who do not stay: the command line."""

import time
from pathlib import Path

from assistant.context.budget import MOST_CHARACTERS, budget_for
from assistant.context.index import LOOSE, SymbolIndex
from assistant.context.indexer import Indexer
from assistant.context.kept import Kept, renewed
from assistant.context.resolve import NEAR_AFTER, NEAR_BEFORE, Place, definitions_for
from assistant.history.consent import CONTEXT, Consent
from assistant.secrets import is_secret

_LOOK_SECONDS = 3.0
"""How long to read what is new in a project; what is left is read another time."""
_TOP_CHARACTERS = 12_000
_FILE_BEFORE, _FILE_AFTER = 16_000, 4_000


def project_of(file: Path) -> Path | None:
    """The project that a file belongs to: the nearest folder above it that is a git repository."""
    return next((folder for folder in file.parents if (folder / ".git").exists()), None)


def allows(file: Path) -> bool:
    """Whether the user's settings and the project's let a file be given others to read."""
    return Consent(lambda problem: None, CONTEXT).allows(str(file))


def gather_once(
    project: Path, file: Path, language: str, before: str, after: str, tokens: int | None
) -> Kept:
    """The definitions that a file names, for a model that reads so many tokens."""
    index = SymbolIndex()
    indexer = Indexer(index)
    indexer.take({"roots": [str(project)]})
    end = time.monotonic() + _LOOK_SECONDS
    while not indexer.idle and time.monotonic() < end:
        indexer.step()
    root, inner = indexer.inside(file)
    near = before[-NEAR_BEFORE:], after[:NEAR_AFTER]
    place = Place(root, inner, language, before[:_TOP_CHARACTERS], *near)
    wanted = definitions_for(place, index, [root]) if root != LOOSE else []
    index.close()
    budget = min(MOST_CHARACTERS, budget_for(tokens))
    around = before[-_FILE_BEFORE:], after[:_FILE_AFTER]
    return renewed(Kept(), wanted, budget, *around, lambda path: not is_secret(path))
