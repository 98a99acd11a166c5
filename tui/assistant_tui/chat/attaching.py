"""Files that go with a question: which there are, and what of them may be read."""

from collections.abc import Callable, Sequence
from pathlib import Path

from textual.content import Content
from textual.widgets import Input

from assistant.errors import AssistantError
from assistant.history import Attachment, Consent
from assistant.secrets import is_secret
from assistant_tui.notes.finder import Find, Finder, Offer, Place
from assistant_tui.notes.fuzzy import rank

LARGEST_BYTES = 200_000
"""More than any model here reads at once."""
_MOST_SHOWN = 100


class AttachError(AssistantError):
    """A file cannot go with a question."""


def attach(path: Path) -> Attachment:
    """A file's text. Raises AttachError for secrets, and what is no text or too large."""
    path = path.expanduser().absolute()
    if is_secret(path):
        raise AttachError(f"{path.name} looks like a file of secrets: it is not read")
    if not Consent(lambda problem: None).project_allows(str(path)):
        raise AttachError(f"{path.name} belongs to a project that wants nothing of it recorded")
    try:
        if not path.is_file():
            raise AttachError(f"{path.name} is no file that can be read")
        if path.stat().st_size > LARGEST_BYTES:
            raise AttachError(f"{path.name} is too large: at most 200 kB go with a question")
        data = path.read_bytes()
    except OSError as error:
        raise AttachError(f"{path.name} cannot be read: {error.strerror or error}") from error
    if b"\0" in data:
        raise AttachError(f"{path.name} is a binary file: only text can be attached")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AttachError(f"{path.name} is not in UTF-8: save it as UTF-8 first") from error
    if not text.strip():
        raise AttachError(f"{path.name} is empty")
    return Attachment(str(path), text)


class FileFinder(Finder):
    """Begins with a query."""

    def __init__(self, find: Find, begin: str) -> None:
        super().__init__("Attach", "Letters of a note's name, or a path such as ~/src/a.py", find)
        self._begin = begin

    def on_mount(self) -> None:
        """Go on from a folder."""
        self.query_one(Input).value = self._begin


def choose_file(root: Path, notes: Callable[[], Sequence[str]], begin: str = "") -> FileFinder:
    """Choose a note of the folder by letters of its name, or any file by its path.

    `begin` is what is looked for first.
    """
    found: list[str] = []

    def find(query: str) -> list[Offer]:
        if query.startswith(("/", "~", "./", "../")):
            return [Offer(Place(path), _shown(path)) for path in completions(root, query)]
        if not found:
            found.extend(notes())
        return [
            Offer(Place(str(root / note)), _shown(note)) for note, _ in rank(query.strip(), found)
        ]

    return FileFinder(find, begin)


def completions(root: Path, query: str) -> list[str]:
    """The paths that begin like what was typed; hidden ones only where that was asked for."""
    typed = Path(query).expanduser()
    typed = typed if typed.is_absolute() else root / typed
    folder, begin = (typed, "") if query.endswith("/") else (typed.parent, typed.name)
    try:
        inside = sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name.casefold()))
    except OSError:
        return []
    return [
        f"{path}/" if path.is_dir() else str(path)
        for path in inside
        if path.name.startswith(begin) and (begin.startswith(".") or not path.name.startswith("."))
    ][:_MOST_SHOWN]


def _shown(path: str) -> Content:
    return Content(path)
