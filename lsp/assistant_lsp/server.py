"""The language server: what each message of the editor leads to."""

import logging
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

from assistant import __version__
from assistant.turns import stand_alone, take_turns_of
from assistant_lsp.actions import ACTIONS, Action
from assistant_lsp.items import ghost_item, popup_item, word_left
from assistant_lsp.offering import Form, form_for, offered
from assistant_lsp.protocol import AssistantLanguageServer
from assistant_lsp.session import Session
from assistant_lsp.switch import snooze_minutes
from assistant_lsp.wire import serve

_ACCEPTED = "assistant.suggestionAccepted"
_SHOW_CONTEXT = "assistant.showContext"
_TURN = 3.0
"""Milliseconds, in which most messages are dealt with."""


def create_server() -> AssistantLanguageServer:
    """A server that knows all its messages and is not started yet."""
    server = AssistantLanguageServer(__version__)
    session = Session(server)
    _register_life(server, session)
    _register_completion(server, session)
    _register_actions(server, session)
    _register_record(server, session)
    _register_switch(server, session)
    _register_context(server, session)
    return server


def main() -> None:
    """Serve the editor on standard input and output until it leaves."""
    if sys.stdin.isatty():
        print(
            "assistant lsp speaks with an editor, which starts it; Ctrl-C ends it", file=sys.stderr
        )
    else:
        stand_alone()  # and an editor's Ctrl-C is the editor's
    take_turns_of(_TURN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    # It logs whole messages, and those hold the user's text.
    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)
    server = create_server()
    serve(server, _taken_stdout())
    sys.exit(0 if server.protocol.ended_well else 1)


def _taken_stdout() -> Any:
    """Standard output for the protocol alone: what anything else prints goes to the log."""
    sys.stdout.flush()
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return stdout


def _register_life(server: AssistantLanguageServer, session: Session) -> None:
    options: list[object] = []

    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        options.append(params.initialization_options)

    @server.feature(types.INITIALIZED)
    async def initialized(_: types.InitializedParams) -> None:
        await session.begin(options.pop())

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
        with suppress(JsonRpcException):  # an editor without an answer keeps the settings it has
            await session.pull(params.settings)

    @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def folders_changed(_: types.DidChangeWorkspaceFoldersParams) -> None:
        session.open_folders()

    @server.feature(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def progress_cancelled(params: types.WorkDoneProgressCancelParams) -> None:
        session.progresses.cancel(params.token)

    @server.feature(types.SHUTDOWN)
    async def shutdown(_: None) -> None:
        await session.end()


def _register_completion(server: AssistantLanguageServer, session: Session) -> None:
    documents = server.protocol.documents

    @server.feature(
        # Without options pygls would not tell the editor that there is ghost text to be had.
        types.TEXT_DOCUMENT_INLINE_COMPLETION,
        types.InlineCompletionOptions(),
    )
    async def ghost_text(params: types.InlineCompletionParams) -> types.InlineCompletionList:
        document = documents.get(params.text_document.uri)
        if document is None:
            return types.InlineCompletionList([])
        automatic = params.context.trigger_kind == types.InlineCompletionTriggerKind.Automatic
        position, settings = params.position, session.settings
        if automatic:
            text = await session.completions.at(document, position, settings, automatic=True)
            texts = [text] if text else []
        else:
            texts = await session.candidates.at(document, position, settings)
        if server.protocol.client_is_neovim:
            texts = [text.replace("\r\n", "\n") for text in texts]
        return types.InlineCompletionList(
            [
                ghost_item(position, text, _accepted(document.uri, number))
                for number, text in enumerate(texts)
            ]
        )

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions())
    async def popup(params: types.CompletionParams) -> types.CompletionList:
        # Incomplete: with the next letter there may be something better.
        nothing = types.CompletionList(is_incomplete=True, items=[])
        document = documents.get(params.text_document.uri)
        if document is None:
            return nothing
        # At each letter, too, editors say that the user asked; and the popup waits for all servers.
        text = await session.completions.at(
            document, params.position, session.settings, automatic=True, patient=False
        )
        if not text:
            return nothing
        buffer, position = document.buffer, params.position
        end = buffer.offset(position)
        line = buffer.text[buffer.offset(types.Position(position.line, 0)) : end]
        start = buffer.position(end - len(word_left(line)))
        span, client = types.Range(start, position), server.client_capabilities
        item = popup_item(span, line, text, document.language, client)
        item.command = _accepted(document.uri)
        return types.CompletionList(is_incomplete=True, items=[item])


def _register_actions(server: AssistantLanguageServer, session: Session) -> None:
    documents = server.protocol.documents
    kinds = [action.kind for action in ACTIONS]
    options = types.CodeActionOptions(code_action_kinds=kinds, resolve_provider=True)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    async def code_actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        document = documents.get(params.text_document.uri)
        if document is None:
            return []
        session.context.visited(document, params.range.start)
        return offered(document, params, form_for(server.client_capabilities))

    @server.feature(types.CODE_ACTION_RESOLVE)
    async def resolved(action: types.CodeAction) -> types.CodeAction:
        with_edit = form_for(server.client_capabilities) is Form.EDIT_LATER
        return await session.commands.resolve(action, with_edit=with_edit)

    def register(action: Action) -> None:
        @server.command(action.command)
        async def run(params: types.ExecuteCommandParams) -> None:
            await session.commands.run(action, params)

    for action in ACTIONS:
        register(action)


def _register_record(server: AssistantLanguageServer, session: Session) -> None:
    @server.command(_ACCEPTED)
    async def accepted(params: types.ExecuteCommandParams) -> None:
        match params.arguments:
            case [str(uri)]:
                session.recorder.accepted(uri)
            case [str(uri), int(number)]:
                session.recorder.accepted(uri, number=number)
            case _:
                raise JsonRpcInvalidParams(f"{_ACCEPTED}: the arguments are a uri and a number")


def _accepted(uri: str, number: int = 0) -> types.Command:
    """What an editor runs when a suggestion is accepted, and so says that it was.

    `number` says which of several it was.
    """
    arguments: list[Any] = [uri, number] if number else [uri]
    return types.Command("Suggestion accepted", _ACCEPTED, arguments=arguments)


def _register_switch(server: AssistantLanguageServer, session: Session) -> None:
    @server.command("assistant.toggleSuggestions")
    async def toggle(params: types.ExecuteCommandParams) -> bool:
        on = session.switch.toggle()
        session.messages.info(f"suggestions while you type are {'on' if on else 'off'}")
        return on

    @server.command("assistant.snoozeSuggestions")
    async def snooze(params: types.ExecuteCommandParams) -> None:
        minutes = snooze_minutes(params.arguments)
        session.switch.snooze(minutes)
        session.messages.info(f"there are no suggestions for {minutes:g} minutes")


def _register_context(server: AssistantLanguageServer, session: Session) -> None:
    @server.command(_SHOW_CONTEXT)
    async def show(params: types.ExecuteCommandParams) -> None:
        match params.arguments:
            case [str(uri)]:
                await session.show_context(uri)
            case _:
                raise JsonRpcInvalidParams(f"{_SHOW_CONTEXT}: the argument is a uri")
