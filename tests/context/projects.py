"""A project on disk, and an index of it."""

from pathlib import Path

from assistant.context.index import SymbolIndex
from assistant.context.indexer import Indexer


def write(root: Path, path: str, text: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def look(indexer: Indexer) -> None:
    """Read all that is new."""
    indexer.look()
    finish(indexer)


def finish(indexer: Indexer) -> None:
    while not indexer.idle:
        indexer.step()


def indexed(*roots: Path) -> tuple[SymbolIndex, Indexer]:
    index = SymbolIndex()
    indexer = Indexer(index)
    indexer.take({"roots": [str(root) for root in roots]})
    finish(indexer)
    return index, indexer


def names(index: SymbolIndex, root: Path) -> list[str]:
    return sorted(
        found.definition.name
        for path in index.known(str(root))
        for found in index.outline(str(root), path)
    )
