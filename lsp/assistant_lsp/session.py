"""The parts behind one editor, and its settings."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from assistant.context.sent import shown
from assistant_lsp.buffer import Edit
from assistant_lsp.commands import Commands
from assistant_lsp.completion import Completions
from assistant_lsp.context import ProjectContext
from assistant_lsp.documents import Document, path_of
from assistant_lsp.folders import folder_of, open_folders
from assistant_lsp.messages import Messages
from assistant_lsp.model import Model
from assistant_lsp.progress import Progresses
from assistant_lsp.protocol import AssistantLanguageServer
from assistant_lsp.record import Recorder
from assistant_lsp.settings import SECTION, EditorSettings, read_settings
from assistant_lsp.switch import Switch

_SETTINGS_SECONDS = 5.0
"""How long to wait for the editor's settings before a model is loaded without them."""


class Session:
    """What lives from `initialize` to `shutdown`."""

    def __init__(self, server: AssistantLanguageServer) -> None:
        self.server = server
        self.settings = EditorSettings()
        self.messages = Messages(server)
        self.progresses = Progresses(server)
        self.model = Model(self.progresses, self.messages)
        self.switch = Switch()
        self.recorder = Recorder.of_user(
            on_trouble=self.messages.warn,
            on_outcome=lambda one, outcome: self.completions.settled(one, outcome),
            workspace=lambda path: folder_of(path, open_folders(server)),
        )
        documents = server.protocol.documents
        self.context = ProjectContext(documents, lambda: self.settings, self.messages.warn)
        self.completions = Completions(
            documents, self.model, self.messages, self.switch, self.recorder, self.context
        )
        self.commands = Commands(
            server,
            self.model,
            self.messages,
            self.progresses,
            self.recorder,
            lambda: self.settings,
        )
        server.protocol.on_changed = self._changed
        server.protocol.on_closed = self._closed
        server.protocol.on_saved = self.context.saved

    async def begin(self, options: object) -> None:
        """Take the settings that came with `initialize`, then those that the editor is asked for.

        Raises nothing: bad settings are told, and defaults stand in for them.
        """
        self.open_folders()
        await self.configure(options)
        with suppress(TimeoutError, JsonRpcException):
            async with asyncio.timeout(_SETTINGS_SECONDS):
                await self.pull(None)
        self.model.chosen.set()
        workspace = self.server.client_capabilities.workspace
        changes = workspace.did_change_configuration if workspace else None
        if changes is not None and changes.dynamic_registration:
            method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
            registration = types.Registration("assistant-settings", method, {"section": SECTION})
            with suppress(JsonRpcException):  # then it tells of no changes, and the settings stay
                await self.server.client_register_capability_async(
                    types.RegistrationParams([registration])
                )

    async def pull(self, pushed: object) -> None:
        """Ask the editor for its settings, or take what it pushed where it cannot be asked.

        Raises JsonRpcException where it has no answer.
        """
        workspace = self.server.client_capabilities.workspace
        if workspace is not None and workspace.configuration:
            item = types.ConfigurationItem(section=SECTION)
            answer = await self.server.workspace_configuration_async(
                types.ConfigurationParams([item])
            )
            pushed = answer[0] if answer else None
        if pushed is not None:
            await self.configure(pushed)

    async def configure(self, sent: object) -> None:
        """Use new settings."""
        before = self.settings.model
        self.settings, problems = read_settings(sent)
        if self.settings.model != before:
            self.completions.forget()
        if problems:
            self.messages.warn("settings that cannot be used are ignored: " + "; ".join(problems))
        await self.model.use(self.settings.model)

    async def end(self) -> None:
        """Let go of everything."""
        await self.model.aclose()
        await self.context.aclose()
        self.commands.answers.close()
        await asyncio.to_thread(self.recorder.close)

    def _changed(self, uri: str, edits: Sequence[Edit]) -> None:
        self.completions.changed(uri, edits)
        self.recorder.changed(uri, edits)
        self.context.changed(uri, edits)

    def _closed(self, document: Document) -> None:
        self.completions.closed(document.uri)
        self.recorder.closed(document.uri)
        self.context.closed(document)

    def open_folders(self) -> None:
        """Work with the folders that the editor has open now."""
        folders = self.server.workspace.folders.values()
        paths = [path_of(folder.uri) for folder in folders]
        root = self.server.workspace.root_uri
        if not paths and root:
            paths = [path_of(root)]
        self.context.open_roots([Path(path) for path in paths if path])

    async def show_context(self, uri: str) -> None:
        """Show what the last completion of a document was sent."""
        sent = self.context.sent(uri)
        if sent is None:
            self.messages.info("nothing was sent for this document yet")
        else:
            await self.commands.answers.show("context", shown(sent))
