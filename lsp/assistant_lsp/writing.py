"""Prose: the edits that an action makes of the model's answers."""

from assistant.errors import ServerError
from assistant.prompts.tasks import Task
from assistant_lsp import prose
from assistant_lsp.actions import Target
from assistant_lsp.asking import Asking
from assistant_lsp.buffer import Edit
from assistant_lsp.documents import Document


async def rewritten(task: Task, asking: Asking, document: Document, target: Target) -> list[Edit]:
    """New words for the paragraphs, or the part of one, that are meant. Raises AssistantError."""
    buffer = document.buffer
    text = buffer.text
    start, end = buffer.offset(target.range.start), buffer.offset(target.range.end)
    found = prose.touched(text, document.language, start, end)
    if start != end and (part := prose.selected_words(text, found, start, end)) is not None:
        found = [part]
    if not found:
        raise ServerError("there is no paragraph here: headings, code and tables stay as they are")
    edits = []
    for paragraph in found:
        words = await asking.answer(task, paragraph.text)
        edits.append(prose.replacement(text, paragraph, words))
    return [edit for edit in edits if edit is not None]


async def continued(_: Task, asking: Asking, document: Document, target: Target) -> list[Edit]:
    """More text at the cursor. Raises AssistantError."""
    offset = document.buffer.offset(target.range.end)
    words, last = prose.before(document.buffer.text, document.language, offset)
    if not words:
        raise ServerError("there is no text before the cursor to continue")
    answer = await asking.answer(Task.CONTINUE, words)
    edit = prose.continuation(document.buffer.text, last, offset, answer)
    return [] if edit is None else [edit]
