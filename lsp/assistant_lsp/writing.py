"""Prose: the edits that an action makes of the model's answers."""

from assistant import prose_places
from assistant.edit import Edit
from assistant.errors import ServerError
from assistant.prompts.tasks import Task
from assistant_lsp.actions import Target
from assistant_lsp.asking import Asking
from assistant_lsp.documents import Document


async def rewritten(task: Task, asking: Asking, document: Document, target: Target) -> list[Edit]:
    """New words for the paragraphs, or the part of one, that are meant. Raises AssistantError."""
    buffer = document.buffer
    text = buffer.text
    start, end = buffer.offset(target.range.start), buffer.offset(target.range.end)
    edits = []
    for paragraph in prose_places.meant(text, document.language, start, end):
        words = await asking.answer(task, paragraph.text)
        edits.append(prose_places.replacement(text, paragraph, words))
    return [edit for edit in edits if edit is not None]


async def continued(_: Task, asking: Asking, document: Document, target: Target) -> list[Edit]:
    """More text at the cursor. Raises AssistantError."""
    offset = document.buffer.offset(target.range.end)
    words, last = prose_places.before(document.buffer.text, document.language, offset)
    if not words:
        raise ServerError("there is no text before the cursor to continue")
    answer = await asking.answer(Task.CONTINUE, words)
    edit = prose_places.continuation(document.buffer.text, last, offset, answer)
    return [] if edit is None else [edit]
