"""The protocol, where pygls does otherwise than an editor needs.

- A request that makes no sense gets an error as its answer; pygls shows a message and leaves the
  editor waiting.
- Cancelling a command cancels its work; pygls answers and lets it run on.
- Documents are kept in our own buffers.
- Nothing of what the user wrote reaches a log: pygls logs whole messages.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInternalError
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method

from assistant.edit import Edit
from assistant_lsp.documents import Document, Documents

_log = logging.getLogger(__name__)


class AssistantProtocol(LanguageServerProtocol):
    """pygls' protocol with the differences above."""

    def __init__(self, server: LanguageServer, converter: Any) -> None:
        self.documents = Documents()
        self.on_changed: Callable[[str, Sequence[Edit]], None] = lambda uri, edits: None
        self.on_opened: Callable[[str], None] = lambda language: None
        self.on_closed: Callable[[Document], None] = lambda document: None
        self.on_saved: Callable[[str], None] = lambda uri: None
        self.client_info: types.ClientInfo | None = None
        self._initialized = False
        super().__init__(server, converter)

    # Messages come in ------------------------------------------------------------------------

    def handle_message(self, message: Any) -> None:
        """Answer or act on one message, whatever it is."""
        refusal = self._refusal(message)
        if refusal is None:
            try:
                self._dispatch(message)
                return
            except JsonRpcException:
                refusal = _error(
                    types.ErrorCodes.InvalidParams, f"invalid: {message.get('method', 'answer')}"
                )
        self._refuse(message, refusal)

    def _dispatch(self, message: Any) -> None:
        """Pass it on, by what it holds; pygls compares each with all four kinds of messages first,
        which takes longer than most edits do."""
        structured = self.structure_message(message)
        if "method" not in message:
            super().handle_message(structured)
        elif "id" in message:
            arguments = structured.id, structured.method, structured.params
            copy_context().run(self._handle_request, *arguments)
        elif structured.method == types.TEXT_DOCUMENT_DID_CHANGE:
            # At each key; pygls would keep a future for it, under a name that is drawn by lot.
            self.lsp_text_document__did_change(structured.params)
        else:
            copy_context().run(self._handle_notification, structured.method, structured.params)

    def _refusal(self, message: Any) -> types.ResponseError | None:
        if not isinstance(message, Mapping) or message.get("jsonrpc") != self.VERSION:
            return _error(types.ErrorCodes.InvalidRequest, "this is no JSON-RPC 2.0 message")
        method = message.get("method")
        if method is None:
            return None
        if not isinstance(method, str):
            return _error(types.ErrorCodes.InvalidRequest, "the method has no name")
        if "id" in message and _is_notification(method):
            return _error(types.ErrorCodes.InvalidRequest, f"{method} is no request")
        if method == types.INITIALIZE:
            if self._initialized:
                return _error(types.ErrorCodes.InvalidRequest, "already initialized")
        elif not self._initialized and method != types.EXIT:
            return _error(types.ErrorCodes.ServerNotInitialized, "initialize comes first")
        elif self._shutdown and method != types.EXIT:
            return _error(types.ErrorCodes.InvalidRequest, "the server is shutting down")
        return None

    def _refuse(self, message: Any, error: types.ResponseError) -> None:
        _log.warning("refused a message: %s", error.message)
        fields = message if isinstance(message, Mapping) else {}
        if "method" in fields and "id" not in fields:
            return  # a notification: nobody waits
        if "result" in fields or "error" in fields:
            self._handle_response(fields.get("id", ""), error=error)  # to a request of ours
            return
        # Not as pygls would send it: that leaves out an id that is null.
        content = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": fields.get("id"), "error": content})

    def refuse_unreadable(self) -> None:
        """Answer bytes that are not JSON."""
        self._refuse(None, _error(types.ErrorCodes.ParseError, "this is not JSON"))

    # Messages go out -------------------------------------------------------------------------

    def _send_response(
        self, msg_id: Any, result: Any = None, error: types.ResponseError | None = None
    ) -> None:
        """Leave out what an unforeseen error says: it may quote the user's text."""
        if error is not None and error.code == JsonRpcInternalError.CODE:
            error = _error(types.ErrorCodes.InternalError, error.message.partition(":")[0])
        super()._send_response(msg_id, result, error)

    # The life of the server ------------------------------------------------------------------

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Any:
        """Agree on the encoding of positions before the first document comes."""
        result = yield from super().lsp_initialize(params)
        self._initialized = True
        self.client_info = params.client_info
        self.trace = params.trace or types.TraceValue.Off
        encoding = result.capabilities.position_encoding
        self.documents.encoding = types.PositionEncodingKind(encoding).value
        return result

    @lsp_method(types.SHUTDOWN)
    async def lsp_shutdown(self, *_: object) -> None:  # type: ignore[override]
        """Cancel what runs; pygls trips over requests that end while it does so."""
        current: object = asyncio.current_task()
        for future in list(self._request_futures.values()):
            if future is not current and not future.done():
                future.cancel()
        self._shutdown = True
        if (handler := self.fm.features.get(types.SHUTDOWN)) is not None:
            await handler(None)

    @property
    def client_is_neovim(self) -> bool:
        """Whether it is Neovim, whose lines have no ends of their own: it takes a `\\r` for a
        character, and a line feed at the end of an empty text for another line."""
        return self.client_info is not None and self.client_info.name == "Neovim"

    @property
    def ended_well(self) -> bool:
        """Whether the editor said goodbye before it left."""
        return self._shutdown

    # Documents -------------------------------------------------------------------------------

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """Keep the document."""
        self.documents.open(params.text_document)
        self.on_opened(params.text_document.language_id)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Keep up with the document."""
        edits = self.documents.change(params)
        self.on_changed(params.text_document.uri, edits)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """Forget the document."""
        uri = params.text_document.uri
        document = self.documents.get(uri)
        self.documents.close(uri)
        if document is not None:
            self.on_closed(document)

    @lsp_method(types.TEXT_DOCUMENT_DID_SAVE)
    def lsp_text_document__did_save(self, params: types.DidSaveTextDocumentParams) -> None:
        """Tell that it was saved."""
        self.on_saved(params.text_document.uri)

    # Commands --------------------------------------------------------------------------------

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]
        self, params: types.ExecuteCommandParams
    ) -> Any:
        """Run a command in the request's own task, so that cancelling the request ends it."""
        handler = self.fm.commands.get(params.command)
        if handler is None:
            raise JsonRpcException(
                f"there is no command {params.command}", code=types.ErrorCodes.InvalidParams
            )
        return await handler(params)


class AssistantLanguageServer(LanguageServer):
    """pygls' server with that protocol, quiet about what it reads."""

    protocol: AssistantProtocol

    def __init__(self, version: str) -> None:
        super().__init__(
            "assistant",
            version,
            protocol_cls=AssistantProtocol,
            converter_factory=_converter,
        )

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log the kind of an error only; errors of requests are in their answers already."""
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
            self.protocol.refuse_unreadable()
        else:
            _log.error("%s in %s", type(error).__name__, source.__name__)


def _converter() -> Any:
    """pygls' converter, which stops at the first thing that is wrong in a message.

    It would collect all of it otherwise, each with its traceback, and take a long text that stands
    where a list belongs for a list with a mistake for each letter.
    """
    converter = default_converter()  # type: ignore[no-untyped-call]
    converter.detailed_validation = False
    return converter


def _is_notification(method: str) -> bool:
    _, answer, _, _ = types.METHOD_TO_TYPES.get(method, (None, method, None, None))
    return answer is None


def _error(code: int, message: str) -> types.ResponseError:
    return types.ResponseError(code=int(code), message=message)
