"""The parts behind one editor, and its settings."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from assistant.completion.record import Recorder
from assistant.context.sent import shown
from assistant.edit import Edit
from assistant.syntax import reader_for
from assistant_lsp.candidates import Candidates
from assistant_lsp.commands import Commands
from assistant_lsp.completion import Completions
from assistant_lsp.context import ProjectContext
from assistant_lsp.documents import Document
from assistant_lsp.folders import folder_of, open_folders
from assistant_lsp.messages import Messages
from assistant_lsp.model import Model, State
from assistant_lsp.progress import Progresses
from assistant_lsp.protocol import AssistantLanguageServer
from assistant_lsp.settings import SECTION, EditorSettings, read_settings
from assistant_lsp.switch import Switch

_SETTINGS_SECONDS = 5.0
"""How long to wait for the editor's settings before a model is loaded without them."""

_STATUS = "assistant/status"
"""A notification of our own, for clients whose experimental capabilities hold `assistantStatus`."""


class Session:
    """What lives from `initialize` to `shutdown`."""

    def __init__(self, server: AssistantLanguageServer) -> None:
        self.server = server
        self.settings = EditorSettings()
        self.messages = Messages(server)
        self.progresses = Progresses(server)
        self.model = Model(self.progresses, self.messages, self._tell)
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
        self.candidates = Candidates(
            documents, self.model, self.completions, self.recorder, self.context
        )
        server.protocol.on_changed = self._changed
        server.protocol.on_opened = self._opened
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
        self._tell(self.model.state)
        self._prepare()
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
        self._prepare()

    async def end(self) -> None:
        """Let go of everything."""
        await self.model.aclose()
        await self.context.aclose()
        self.commands.answers.close()
        await asyncio.to_thread(self.recorder.close)

    def _opened(self, language: str) -> None:
        self._prepare()
        # The first time, a grammar takes some 20 ms to load, which the first key should not wait.
        asyncio.get_running_loop().run_in_executor(None, reader_for, language)

    def _prepare(self) -> None:
        """Load the model, if the settings are known and it will be asked for a suggestion."""
        if self.model.chosen.is_set() and any(
            self.settings.suggests_in(document.language, document.path)
            for document in self.server.protocol.documents
        ):
            self.model.at_hand()

    def _tell(self, state: State) -> None:
        """Tell a client that wants to know whether the model is loaded."""
        wishes = self.server.client_capabilities.experimental
        if self.model.chosen.is_set() and _wants_status(wishes):
            self.server.protocol.notify(_STATUS, {"model": state})

    def _changed(self, uri: str, edits: Sequence[Edit]) -> None:
        self.candidates.ended(uri)
        self.completions.changed(uri, edits)
        self.recorder.changed(uri, edits)
        self.context.changed(uri, edits)

    def _closed(self, document: Document) -> None:
        self.candidates.ended(document.uri)
        self.completions.closed(document.uri)
        self.recorder.closed(document.uri)
        self.context.closed(document)

    def open_folders(self) -> None:
        """Work with the folders that the editor has open now."""
        self.context.open_roots([Path(folder) for folder in open_folders(self.server)])

    async def show_context(self, uri: str) -> None:
        """Show what the last completion of a document was sent."""
        sent = self.context.sent(uri)
        if sent is None:
            self.messages.info("nothing was sent for this document yet")
        else:
            await self.commands.answers.show("context", shown(sent))


def _wants_status(experimental: object) -> bool:
    if isinstance(experimental, Mapping):
        return experimental.get("assistantStatus") is True
    return getattr(experimental, "assistantStatus", None) is True  # as pygls reads it
