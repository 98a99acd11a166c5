"""Doing what a code action offers: a text goes to the model, an answer or an edit comes back."""

import asyncio
from collections.abc import Callable

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from assistant.completion.record import Origin, Recorder
from assistant.errors import AssistantError, ServerError
from assistant.prompts.tasks import Task
from assistant_lsp.actions import Action, Target
from assistant_lsp.answers import Answers
from assistant_lsp.asking import Asking
from assistant_lsp.coding import code_for_comment, documentation, explanation, fixed, names
from assistant_lsp.documents import Document
from assistant_lsp.edits import Change, apply, hindrance, workspace_edit
from assistant_lsp.folders import open_folders
from assistant_lsp.messages import Messages
from assistant_lsp.model import Model
from assistant_lsp.offering import meant, with_command
from assistant_lsp.progress import Progresses
from assistant_lsp.protocol import AssistantLanguageServer
from assistant_lsp.settings import EditorSettings
from assistant_lsp.testing import Surroundings, tests_for
from assistant_lsp.writing import continued, rewritten

_CHANGED = "the text was changed meanwhile and is left as it is: try again"
_ANSWERS = {Task.EXPLAIN: explanation, Task.NAMES: names}
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
        settings: Callable[[], EditorSettings],
    ) -> None:
        self._recorder = recorder
        self.answers = Answers(server, messages)
        self._progresses = progresses
        self._server = server
        self._model = model
        self._messages = messages
        self._settings = settings

    async def run(self, action: Action, params: types.ExecuteCommandParams) -> None:
        """Do one action, with its progress; what goes wrong is told to the user."""
        try:
            target = Target.of(params.arguments)
        except TypeError as error:
            raise JsonRpcInvalidParams(f"{action.command}: {error}") from error
        done = await self._done(action, target, params.work_done_token)
        if isinstance(done, str):
            await self.answers.show(action.task.name.lower(), done)
        elif isinstance(done, tuple):
            await self._apply(*done, action)

    async def resolve(self, entry: types.CodeAction, *, with_edit: bool) -> types.CodeAction:
        """An entry of a listing with what it does, as its command or, `with_edit`, as its edit."""
        try:
            found = meant(entry)
        except TypeError as error:
            raise JsonRpcInvalidParams(f"{entry.title}: {error}") from error
        if found is None or not with_edit or found[0].task in _ANSWERS:
            return with_command(entry)
        action, target = found
        done = await self._done(action, target, None)
        if not isinstance(done, tuple) or await self._is_hindered(done[0], asked=False):
            return entry  # the user was told why nothing is done
        change, origin = done
        able, preview = self._server.client_capabilities.workspace, self._settings().actions.preview
        entry.edit = workspace_edit(change, _label(action), able, preview=preview)
        if change.is_open:
            self._offer(change, origin)
        return entry

    async def _done(
        self, action: Action, target: Target, token: types.ProgressToken | None
    ) -> str | tuple[Change, Origin] | None:
        """What the model makes of a text, or None where the user was told why there is nothing."""
        document = self._server.protocol.documents.get(target.uri)
        if document is None:
            raise JsonRpcInvalidParams("the document is not open")
        if not _fits(document, target):
            self._messages.warn(_CHANGED)
            return None
        progress = self._progresses.show(action.work, token)
        try:
            async with progress:
                client, card = await self._model.loaded()
                if not card.chat:
                    raise ServerError(
                        f"{card.name} only completes text: choose a chat model for this"
                    )
                asking = Asking(client, card, progress)
                done = await self._asked(action, asking, document, target)
                if isinstance(done, str):
                    return done
                return done, Origin(card.name, card.adapter, action.task.name.lower())
        except AssistantError as error:
            self._messages.error(str(error))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not progress.cancelled or task is None:
                raise
            task.uncancel()  # the user ended it: that is no error
        return None

    async def _asked(
        self, action: Action, asking: Asking, document: Document, target: Target
    ) -> str | Change:
        """Raises AssistantError."""
        if action.task in _ANSWERS:
            answer = await _ANSWERS[action.task](asking, document, target)
            if not answer:
                raise ServerError(f"{asking.card.name} had nothing to say about this code")
            return answer
        if action.task is Task.TEST:
            protocol = self._server.protocol
            folders = open_folders(self._server)
            around = Surroundings(protocol.documents, folders, protocol.client_is_neovim)
            return await tests_for(asking, document, target, around)
        edits = await _EDITS[action.task](action.task, asking, document, target)
        return Change(document, edits)

    async def _apply(self, change: Change, origin: Origin, action: Action) -> None:
        """Have the editor make a change, and record what it, or the user, says to it."""
        if await self._is_hindered(change, asked=True):
            return
        uri, offered = change.document.uri, self._offer(change, origin)
        preview = self._settings().actions.preview
        answer = await apply(self._server, change, _label(action), preview=preview)
        self._recorder.answered(uri, offered, applied=answer.applied, seen=change.is_open)
        if answer.problem:
            await self._show_instead(answer.problem, change)
        elif answer.applied and not change.is_open:
            await self.answers.open(uri)

    async def _is_hindered(self, change: Change, *, asked: bool) -> bool:
        """Whether a change cannot be made, which the user is told."""
        if not change.edits:
            self._messages.info("there is nothing to change here")
            return True
        problem = hindrance(self._server, change, asked=asked)
        if problem is not None:
            await self._show_instead(problem, change)
        return problem is not None

    def _offer(self, change: Change, origin: Origin) -> list[str]:
        return [self._recorder.offered(change.document, edit, origin) for edit in change.edits]

    async def _show_instead(self, problem: str, change: Change) -> None:
        self._messages.warn(f"{problem}; your text is as it was, the new one is shown beside it")
        await self.answers.show("answer", change.text)


def _label(action: Action) -> str:
    return f"assistant: {action.title}"


def _fits(document: Document, target: Target) -> bool:
    same = target.version is None or target.version == document.version
    fits = document.buffer.fits
    return same and fits(target.range.start) and fits(target.range.end)
