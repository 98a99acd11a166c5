"""Tests for a function or class, written into the file where its project keeps such tests."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.edit import Edit
from assistant.errors import ServerError
from assistant.prompts.tasks import Task
from assistant_lsp.actions import Target, cursor_row
from assistant_lsp.asking import Asking
from assistant_lsp.buffer import TextBuffer
from assistant_lsp.code import definition_at
from assistant_lsp.documents import Document, Documents
from assistant_lsp.edits import Change
from assistant_lsp.files_for_tests import FileForTests, file_for_tests
from assistant_lsp.folders import folder_of

_SHOWN_LINES = 30
"""Of a file of tests, its begin: what it imports, and how it is written."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is beside the document that an action is about."""

    documents: Documents
    folders: list[str]
    """The paths of the folders that the editor has open."""
    ends_last_lines: bool = False
    """Whether the editor ends the last line of a new file by itself."""


async def tests_for(
    asking: Asking, document: Document, target: Target, around: Surroundings
) -> Change:
    """Tests for the definition at the cursor. Raises AssistantError."""
    lines = document.buffer.lines
    place = definition_at(lines, cursor_row(target.range))
    if place is None:
        raise ServerError("put the cursor into a function or class")
    if not document.path:
        raise ServerError("save the file first, so that its tests have a place")
    root = folder_of(document.path, around.folders)
    file = await asyncio.to_thread(file_for_tests, document.path, document.language, root)
    before, _ = await _document_of(file, document, around.documents)
    top = Path(root) if root else Path(document.path).parent
    code = "".join(lines[place[0] : place[1]]).rstrip()
    text = f"{_below(top, Path(document.path))}:\n{code}\n\nTests go into {_below(top, file.path)}"
    begin = "".join(before.buffer.lines[:_SHOWN_LINES]).rstrip()
    text += f", which begins:\n{begin}" if begin else ", which is new."
    answer = (await asking.answer(Task.TEST, text, document.language)).strip("\r\n")
    if not answer.strip():
        raise ServerError(f"{asking.card.name} found no test for this code")
    # It may have been written to while the model thought.
    tests, is_open = await _document_of(file, document, around.documents)
    edit = _appended(tests.buffer, answer, document.buffer.line_end)
    if around.ends_last_lines and not tests.buffer.text:
        edit = replace(edit, text=edit.text.rstrip("\r\n"))
    return Change(tests, [edit], is_open=is_open, creates=not is_open and not file.exists)


async def _document_of(
    file: FileForTests, source: Document, documents: Documents
) -> tuple[Document, bool]:
    """The file of tests as it is now, and whether it is open in the editor."""
    if (found := documents.at(str(file.path))) is not None:
        return found, True
    text = await asyncio.to_thread(_read, file.path) if file.exists else ""
    buffer = TextBuffer.of(text, source.buffer.encoding)
    return Document(file.path.as_uri(), source.language, 0, buffer), False


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ServerError(f"{path} cannot be read, so no test is added to it") from error


def _appended(buffer: TextBuffer, tests: str, line_end: str) -> Edit:
    """The tests behind all that is there, after as many blank lines as its language wants."""
    kept = buffer.text.rstrip()
    if kept:
        line_end = buffer.line_end
    new = line_end.join(line.rstrip() for line in tests.splitlines()) + line_end
    gap = line_end * (3 if "\n\n\n" in kept.replace("\r\n", "\n") else 2) if kept else ""
    return Edit(len(kept), len(buffer.text), gap + new)


def _below(top: Path, path: Path) -> str:
    """A path as one says it within a project."""
    return str(path.relative_to(top)) if path.is_relative_to(top) else path.name
