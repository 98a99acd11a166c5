"""Work that takes a while, as the editor shows it: begun, reported, ended, and cancelled there."""

import asyncio
import uuid
from types import TracebackType
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from assistant_lsp.protocol import AssistantLanguageServer

_AGREEMENT_SECONDS = 2.0
"""How long to wait for the editor to agree to be shown progress; the work matters more."""
_SHOWN_CHARACTERS = 60


class Progresses:
    """The works in progress, by their tokens. pygls' own list never lets go of a token."""

    def __init__(self, server: AssistantLanguageServer) -> None:
        self.server = server
        self.running: dict[types.ProgressToken, Progress] = {}

    def show(
        self, title: str, token: types.ProgressToken | None = None, *, cancellable: bool = True
    ) -> "Progress":
        """A context manager around one work; `token` is the editor's, where it sent one."""
        return Progress(self, title, token, cancellable=cancellable)

    def cancel(self, token: types.ProgressToken) -> None:
        """The user ended a work; one that has ended by itself just now is forgotten already."""
        if (progress := self.running.get(token)) is not None:
            progress.cancel()


class Progress:
    """One work. Where the editor shows no progress, it does nothing."""

    def __init__(
        self,
        progresses: Progresses,
        title: str,
        token: types.ProgressToken | None,
        *,
        cancellable: bool,
    ) -> None:
        self.cancelled = False
        """Whether the user ended it, rather than the request or the server."""
        self._progresses = progresses
        self._title = title
        self._token = token
        self._cancellable = cancellable
        self._task: asyncio.Task[Any] | None = None
        self._reported = ""

    async def __aenter__(self) -> "Progress":
        self._task = asyncio.current_task()
        if self._token is None:
            self._token = await self._agreed_token()
        if self._token is not None:
            self._progresses.running[self._token] = self
            self._notify(types.WorkDoneProgressBegin(self._title, cancellable=self._cancellable))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._token is not None:
            self._progresses.running.pop(self._token, None)
            self._notify(types.WorkDoneProgressEnd())

    def cancel(self) -> None:
        """End the work."""
        if self._cancellable and self._task is not None:
            self.cancelled = True
            self._task.cancel()

    def report(self, text: str) -> None:
        """Show the last line of `text`."""
        line = text.rstrip().rpartition("\n")[2].strip()[-_SHOWN_CHARACTERS:]
        if self._token is not None and line and line != self._reported:
            self._reported = line
            self._notify(types.WorkDoneProgressReport(message=line))

    async def _agreed_token(self) -> str | None:
        server = self._progresses.server
        window = server.client_capabilities.window
        if window is None or not window.work_done_progress:
            return None
        token = str(uuid.uuid4())
        params = types.WorkDoneProgressCreateParams(token)
        try:
            async with asyncio.timeout(_AGREEMENT_SECONDS):
                await server.window_work_done_progress_create_async(params)
        except (TimeoutError, JsonRpcException):
            return None
        return token

    def _notify(self, value: object) -> None:
        params = types.ProgressParams(self._token or "", value)
        self._progresses.server.progress(params)
