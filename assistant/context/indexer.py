"""Keeps the index up to date, file by file, so that news need not wait for a whole project."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from assistant.context.files import (
    LARGEST,
    SourceFile,
    is_generated,
    is_kept,
    is_project,
    read_source,
    source_files,
)
from assistant.context.index import LOOSE, SymbolIndex
from assistant.history.consent import CONTEXT, Consent
from assistant.secrets import is_secret
from assistant.syntax import languages
from assistant.syntax.definitions import definitions
from assistant.syntax.file_names import language_of

_LOOK_LIMIT_SECONDS = 120.0
"""How long one look may take; what is left is read at the next."""
_UNSAVED = -1
"""The mtime of a text that stands in an editor."""


class Indexer:
    """What is to be read. Its work is done by calling `step` again and again."""

    def __init__(
        self,
        index: SymbolIndex,
        on_indexed: Callable[[str, int], None] = lambda root, files: None,
    ) -> None:
        """`on_indexed` gets a root that was looked at, and the number of its files."""
        self._index = index
        self._on_indexed = on_indexed
        self._consent = Consent(lambda problem: None, CONTEXT)
        self.roots: list[Path] = []
        self._unsaved: set[Path] = set()
        self._looks: list[Iterator[None]] = []

    def inside(self, path: Path) -> tuple[str, str]:
        """The root that a file belongs to, `LOOSE` for none, and its path inside that."""
        inner = [root for root in self.roots if root in path.parents]
        root = max(inner, key=lambda root: len(root.parts), default=None)
        return (LOOSE, str(path)) if root is None else (str(root), str(path.relative_to(root)))

    @property
    def idle(self) -> bool:
        """Whether everything was looked at."""
        return not self._looks

    def step(self) -> None:
        """Read the next file, if there is one."""
        if self._looks and next(self._looks[0], self) is self:
            self._looks.pop(0)

    def look(self) -> None:
        """Begin to look what has changed."""
        self._looks = [self._look(root) for root in self.roots]

    def take(self, message: dict[str, Any]) -> None:
        """Act on one message of an editor, see `assistant.context.librarian`."""
        match message:
            case {"roots": [*roots]}:
                self.roots = [root for root in map(Path, roots) if is_project(root)]
                self._index.forget_roots(lambda root: root != LOOSE and not Path(root).is_dir())
                self.look()
            case {"file": str(path), "text": str(text)}:
                self._unsaved.add(Path(path))
                self._put(Path(path), text)
            case {"file": str(path)}:
                self._unsaved.discard(Path(path))
                if Path(path).name in (".gitignore", ".assistant.toml"):
                    self.look()
                else:
                    self._put(Path(path), None)
            case {"closed": str(path)}:
                self._unsaved.discard(Path(path))
                self._put(Path(path), None)

    def _look(self, root: Path) -> Iterator[None]:
        known = self._index.known(str(root))
        seen: set[str] = set()
        end, complete = time.monotonic() + _LOOK_LIMIT_SECONDS, True
        for file in source_files(root):
            path = root / file.path
            if self.inside(path)[0] != str(root) or not self._consent.allows(str(path)):
                continue
            seen.add(file.path)
            fresh = known.get(file.path) == (file.mtime_ns, file.size)
            if not fresh and path not in self._unsaved:
                self._read(root, file)
                yield
            if time.monotonic() > end:
                complete = False
                break
        if complete:
            gone = [name for name in known.keys() - seen if root / name not in self._unsaved]
            self._index.forget(str(root), gone)
        self._on_indexed(str(root), len(seen))

    def _read(self, root: Path, file: SourceFile) -> None:
        text = read_source(root / file.path)
        found = definitions(text, file.language) if text is not None else []
        self._index.put(str(root), file, found)

    def _put(self, path: Path, text: str | None) -> None:
        """Know one file by `text`, or by what is on disk."""
        root, inner = self.inside(path)
        if is_secret(path) or not self._consent.allows(str(path)):
            return
        if root != LOOSE and not is_kept(Path(root), inner):
            return
        language = language_of(path)
        if text is None:
            file = _on_disk(path, inner) if root != LOOSE else None
            if file is not None:
                self._read(Path(root), file)
            else:
                self._index.forget(root, [inner])
        elif language in languages() and len(text) <= LARGEST and not is_generated(text):
            unsaved = SourceFile(inner, language, _UNSAVED, len(text))
            self._index.put(root, unsaved, definitions(text, language))


def _on_disk(path: Path, inner: str) -> SourceFile | None:
    language = language_of(path)
    try:
        status = path.stat()
    except OSError:
        return None
    if language not in languages() or status.st_size > LARGEST:
        return None
    return SourceFile(inner, language, status.st_mtime_ns, status.st_size)
