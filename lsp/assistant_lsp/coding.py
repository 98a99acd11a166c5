"""Code: what an action tells of it, and the edits that it makes of the model's answers."""

from collections.abc import Sequence

from lsprotocol import types

from assistant.edit import Edit
from assistant.errors import ServerError
from assistant.prompts.tasks import Task, Wording
from assistant_lsp.actions import Target, cursor_row
from assistant_lsp.asking import Asking
from assistant_lsp.code import (
    Comment,
    block_at,
    comment_at,
    definition_at,
    enclosing,
    indented_like,
    name_at,
)
from assistant_lsp.documenting import undocumented
from assistant_lsp.documents import Document

_LINES_BEFORE_COMMENT = {Wording.FULL: 60, Wording.BRIEF: 8}


async def explanation(asking: Asking, document: Document, target: Target) -> str:
    """What the selection, or the function at the cursor, does. Raises AssistantError."""
    buffer, span = document.buffer, target.range
    if span.start == span.end:
        first, end = enclosing(buffer.lines, span.start.line)
        code = "".join(buffer.lines[first:end])
    else:
        code = buffer.text[buffer.offset(span.start) : buffer.offset(span.end)]
    if not code.strip():
        raise ServerError("there is no code here to explain")
    return await asking.answer(Task.EXPLAIN, code.rstrip(), document.language)


async def names(asking: Asking, document: Document, target: Target) -> str:
    """Better names for what is named at the cursor. Raises AssistantError."""
    buffer, start = document.buffer, target.range.start
    lines, row = buffer.lines, start.line
    column = buffer.offset(start) - buffer.offset(types.Position(row, 0))
    name = name_at(lines[row], column)
    if not name:
        raise ServerError("put the cursor on a name")
    first, end = enclosing(lines, row)
    code = "".join(lines[first:end]).rstrip()
    return await asking.answer(Task.NAMES, code, document.language, name)


async def code_for_comment(
    _: Task, asking: Asking, document: Document, target: Target
) -> list[Edit]:
    """Code below the comment at the cursor. Raises AssistantError."""
    lines = document.buffer.lines
    comment = comment_at(lines, cursor_row(target.range), document.language)
    if comment is None:
        raise ServerError("put the cursor on a comment that says what the code is to do")
    begin = max(0, comment.first - _LINES_BEFORE_COMMENT[asking.card.wording])
    text = "".join(lines[begin : comment.last + 1]).rstrip()
    answer = await asking.answer(Task.COMMENT_TO_CODE, text, document.language)
    code = indented_like(comment, answer)
    if not code:
        raise ServerError(f"{asking.card.name} found no code for this comment")
    return [_inserted(document, comment.last + 1, code)]


async def documentation(_: Task, asking: Asking, document: Document, target: Target) -> list[Edit]:
    """Documentation of the function or class at the cursor. Raises AssistantError."""
    lines, language = document.buffer.lines, document.language
    gap = undocumented(lines, cursor_row(target.range), language)
    if gap is None:
        raise ServerError("put the cursor into a function or class that has no documentation")
    code = "".join(lines[gap.first : gap.end]).rstrip()
    words = await asking.answer(Task.DOCSTRING, code, language)
    if not words.strip():
        raise ServerError(f"{asking.card.name} had nothing to say about this code")
    return [_inserted(document, gap.row, gap.text(words, language))]


async def fixed(_: Task, asking: Asking, document: Document, target: Target) -> list[Edit]:
    """The code around a problem without it. Raises AssistantError."""
    lines, row = document.buffer.lines, target.range.start.line
    if not target.problem:
        raise ServerError("put the cursor on a problem that the editor shows")
    first, end = definition_at(lines, row) or block_at(lines, row)
    old = "".join(lines[first:end])
    answer = await asking.answer(Task.FIX, old.rstrip(), document.language, target.problem)
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    new = document.buffer.line_end.join(indented_like(Comment(first, end - 1, indent), answer))
    kept = old.rstrip()
    if not new:
        raise ServerError(f"{asking.card.name} found no way to fix this")
    start = _offset(lines, first)
    return [] if new == kept else [Edit(start, start + len(kept), new)]


def _inserted(document: Document, row: int, code: Sequence[str]) -> Edit:
    """Whole lines in front of line `row`, or behind the last one."""
    lines, line_end = document.buffer.lines, document.buffer.line_end
    offset, new = _offset(lines, row), line_end.join(code)
    unended = row > 0 and not lines[row - 1].endswith(("\n", "\r"))
    return Edit(offset, offset, line_end + new if unended else new + line_end)


def _offset(lines: Sequence[str], row: int) -> int:
    return sum(map(len, lines[:row]))
