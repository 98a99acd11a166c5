"""Doing what a code action offers: a text goes to the model, an answer or an edit comes back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from assistant.errors import AssistantError, ServerError
from assistant.prompts.tasks import Task, Wording
from assistant.rewriting import answer
from assistant_lsp import prose
from assistant_lsp.actions import Action, Target, cursor_row
from assistant_lsp.answers import Answers
from assistant_lsp.buffer import Edit
from assistant_lsp.code import comment_at, enclosing, indented_like
from assistant_lsp.documents import Document
from assistant_lsp.edits import apply
from assistant_lsp.messages import Messages
from assistant_lsp.model import Model
from assistant_lsp.progress import Progress, Progresses
from assistant_lsp.protocol import AssistantLanguageServer
from assistant_lsp.record import Recorder

if TYPE_CHECKING:
    from assistant.client import ModelCard, ModelClient

_LINES_BEFORE_COMMENT = {Wording.FULL: 60, Wording.BRIEF: 8}
_CHANGED = "the text was changed meanwhile and is left as it is: try again"


@dataclass(frozen=True, slots=True)
class _Asking:
    """A model to ask, and the progress that shows its answer arriving."""

    client: "ModelClient"
    card: "ModelCard"
    progress: Progress

    async def answer(self, task: Task, text: str, language: str = "") -> str:
        """Raises AssistantError."""
        text = text.replace("\r\n", "\n")
        return await answer(
            task,
            text,
            self.client,
            self.card,
            language=language,
            on_text=self.progress.report,
        )


class Commands:
    """The commands behind the code actions."""

    def __init__(
        self,
        server: AssistantLanguageServer,
        model: Model,
        messages: Messages,
        progresses: Progresses,
        recorder: Recorder,
    ) -> None:
        self._recorder = recorder
        self.answers = Answers(server, messages)
        self._progresses = progresses
        self._server = server
        self._model = model
        self._messages = messages

    async def run(self, action: Action, params: types.ExecuteCommandParams) -> None:
        """Do one action, with its progress; what goes wrong is told to the user."""
        try:
            target = Target.of(params.arguments)
        except TypeError as error:
            raise JsonRpcInvalidParams(f"{action.command}: {error}") from error
        document = self._server.protocol.documents.get(target.uri)
        if document is None:
            raise JsonRpcInvalidParams("the document is not open")
        if not _fits(document, target):
            self._messages.warn(_CHANGED)
            return
        progress = self._progresses.show(action.work, params.work_done_token)
        try:
            async with progress:
                await self._work(action, document, target.range, progress)
        except AssistantError as error:
            self._messages.error(str(error))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not progress.cancelled or task is None:
                raise
            task.uncancel()  # the user ended it: that is no error

    async def _work(
        self, action: Action, document: Document, span: types.Range, progress: Progress
    ) -> None:
        client, card = await self._model.loaded()
        if not card.chat:
            raise ServerError(f"{card.name} only completes text: choose a chat model for this")
        asking = _Asking(client, card, progress)
        if action.task is Task.EXPLAIN:
            answer = await _explanation(asking, document, span)
            if not answer:
                raise ServerError(f"{card.name} had nothing to say about this code")
            await self.answers.show("explanation", answer)
        else:
            edits = await _EDITS[action.task](asking, document, span)
            await self._apply(document, edits, action, card.name)

    async def _apply(
        self, document: Document, edits: Sequence[Edit], action: Action, model: str
    ) -> None:
        if not edits:
            self._messages.info("there is nothing to change here")
            return
        problem = await apply(self._server, document, edits, f"assistant: {action.title}")
        if problem is not None:
            self._messages.warn(
                f"{problem}; your text is as it was, the new one is shown beside it"
            )
            await self.answers.show("answer", "\n\n".join(edit.text for edit in edits))
        else:
            self._record(document, edits, action, model)

    def _record(
        self, document: Document, edits: Sequence[Edit], action: Action, model: str
    ) -> None:
        """Watch what becomes of texts that were put in, where they stand there by now."""
        newest = self._server.protocol.documents.get(document.uri)
        if newest is None:
            return
        old, new, moved = document.buffer.text, newest.buffer.text, 0
        for edit in sorted(edits, key=lambda edit: edit.start):
            start = edit.start + moved
            moved += len(edit.text) - (edit.end - edit.start)
            if new[start : start + len(edit.text)] == edit.text:
                replaced = old[edit.start : edit.end]
                kind = action.task.name.lower()
                self._recorder.applied(newest, start, edit.text, replaced, kind, model)


async def _explanation(asking: _Asking, document: Document, span: types.Range) -> str:
    buffer = document.buffer
    if span.start == span.end:
        first, end = enclosing(buffer.lines, span.start.line)
        code = "".join(buffer.lines[first:end])
    else:
        code = buffer.text[buffer.offset(span.start) : buffer.offset(span.end)]
    if not code.strip():
        raise ServerError("there is no code here to explain")
    return await asking.answer(Task.EXPLAIN, code.rstrip(), document.language)


async def _code_for_comment(asking: _Asking, document: Document, span: types.Range) -> list[Edit]:
    lines = document.buffer.lines
    comment = comment_at(lines, cursor_row(span), document.language)
    if comment is None:
        raise ServerError("put the cursor on a comment that says what the code is to do")
    begin = max(0, comment.first - _LINES_BEFORE_COMMENT[asking.card.wording])
    text = "".join(lines[begin : comment.last + 1]).rstrip()
    answer = await asking.answer(Task.COMMENT_TO_CODE, text, document.language)
    code = indented_like(comment, answer)
    if not code:
        raise ServerError(f"{asking.card.name} found no code for this comment")
    line_end = document.buffer.line_end
    offset = sum(map(len, lines[: comment.last + 1]))
    last = lines[comment.last]
    behind = len(last) - len(last.rstrip("\r\n")) == 0
    new = line_end.join(code)
    return [Edit(offset, offset, line_end + new if behind else new + line_end)]


async def _rewritten(
    task: Task, asking: _Asking, document: Document, span: types.Range
) -> list[Edit]:
    buffer = document.buffer
    text = buffer.text
    start, end = buffer.offset(span.start), buffer.offset(span.end)
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


async def _polished(asking: _Asking, document: Document, span: types.Range) -> list[Edit]:
    return await _rewritten(Task.POLISH, asking, document, span)


async def _expanded(asking: _Asking, document: Document, span: types.Range) -> list[Edit]:
    return await _rewritten(Task.EXPAND, asking, document, span)


async def _continued(asking: _Asking, document: Document, span: types.Range) -> list[Edit]:
    offset = document.buffer.offset(span.end)
    words, last = prose.before(document.buffer.text, document.language, offset)
    if not words:
        raise ServerError("there is no text before the cursor to continue")
    answer = await asking.answer(Task.CONTINUE, words)
    edit = prose.continuation(document.buffer.text, last, offset, answer)
    return [] if edit is None else [edit]


_EDITS = {
    Task.COMMENT_TO_CODE: _code_for_comment,
    Task.POLISH: _polished,
    Task.EXPAND: _expanded,
    Task.CONTINUE: _continued,
}


def _fits(document: Document, target: Target) -> bool:
    same = target.version is None or target.version == document.version
    fits = document.buffer.fits
    return same and fits(target.range.start) and fits(target.range.end)
