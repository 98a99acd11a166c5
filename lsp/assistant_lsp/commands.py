"""Doing what a code action offers: a text goes to the model, an answer or an edit comes back."""

import asyncio
from collections.abc import Sequence

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from assistant.errors import AssistantError, ServerError
from assistant.prompts.tasks import Task
from assistant_lsp.actions import Action, Target
from assistant_lsp.answers import Answers
from assistant_lsp.asking import Asking
from assistant_lsp.buffer import Edit
from assistant_lsp.coding import code_for_comment, documentation, explanation, fixed
from assistant_lsp.documents import Document
from assistant_lsp.edits import apply
from assistant_lsp.messages import Messages
from assistant_lsp.model import Model
from assistant_lsp.progress import Progress, Progresses
from assistant_lsp.protocol import AssistantLanguageServer
from assistant_lsp.record import Recorder
from assistant_lsp.writing import continued, rewritten

_CHANGED = "the text was changed meanwhile and is left as it is: try again"


_EDITS = {
    Task.COMMENT_TO_CODE: code_for_comment,
    Task.DOCSTRING: documentation,
    Task.FIX: fixed,
    Task.POLISH: rewritten,
    Task.EXPAND: rewritten,
    Task.SHORTEN: rewritten,
    Task.TRANSLATE: rewritten,
    Task.CONTINUE: continued,
}


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
                await self._work(action, document, target, progress)
        except AssistantError as error:
            self._messages.error(str(error))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not progress.cancelled or task is None:
                raise
            task.uncancel()  # the user ended it: that is no error

    async def _work(
        self, action: Action, document: Document, target: Target, progress: Progress
    ) -> None:
        client, card = await self._model.loaded()
        if not card.chat:
            raise ServerError(f"{card.name} only completes text: choose a chat model for this")
        asking = Asking(client, card, progress)
        if action.task is Task.EXPLAIN:
            answer = await explanation(asking, document, target.range)
            if not answer:
                raise ServerError(f"{card.name} had nothing to say about this code")
            await self.answers.show("explanation", answer)
        else:
            edits = await _EDITS[action.task](action.task, asking, document, target)
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


def _fits(document: Document, target: Target) -> bool:
    same = target.version is None or target.version == document.version
    fits = document.buffer.fits
    return same and fits(target.range.start) and fits(target.range.end)
