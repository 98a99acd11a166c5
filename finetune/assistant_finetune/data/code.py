"""A folder of code, or of notes, as documents: the files that git would keep, and no secrets."""

from collections.abc import Iterator
from pathlib import Path

from assistant.context.files import read_source, source_files
from assistant.prompts.tasks import is_prose
from assistant.syntax.file_names import LANGUAGES
from assistant_finetune.data.examples import Document
from assistant_finetune.data.journal import DataError, Journal, Rejected
from assistant_finetune.data.origin import Origin

_NO_CODE = frozenset({"json", "yaml", "toml", "html", "css"})
"""Data and settings: long, and hardly ever written by hand where an editor would help."""


def read(root: Path, name: str, journal: Journal, *, only_text: bool) -> Iterator[Document]:
    """The files of a folder, each a document. Raises DataError without the package `pathspec`."""
    try:
        import pathspec  # noqa: F401
    except ImportError as error:
        raise DataError(
            "the package pathspec is missing, which says what git ignores: "
            "pip install 'assistant[finetune]'"
        ) from error
    wanted = (
        frozenset(language for language in LANGUAGES if not only_text or not is_code(language))
        - _NO_CODE
    )
    for file in source_files(root.absolute(), wanted):
        origin = Origin(f"{name.rstrip('/')}/{file.path}")
        text = read_source(root.absolute() / file.path)
        if text is None:
            journal.reject(Rejected(origin, "it was generated, or is no text"))
        elif not text.strip():
            journal.reject(Rejected(origin, "it is empty"))
        else:
            yield Document(text, origin, file.path, file.language)


def is_code(language: str) -> bool:
    """Whether the editor's name of a language is one of code."""
    return bool(language) and not is_prose(language)


def holds_data_alone(root: Path, endings: tuple[str, ...]) -> bool:
    """Whether the files in a folder are data files, but for what one writes beside those."""
    names = [entry.name.lower() for entry in root.iterdir() if entry.is_file()]
    data = [name for name in names if name.endswith(endings)]
    beside = ("readme", "license", "licence", ".")
    return bool(data) and all(name.startswith(beside) for name in set(names) - set(data))
