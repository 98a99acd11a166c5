"""What the server tells the user, and how often."""

from lsprotocol import types

from assistant_lsp.protocol import AssistantLanguageServer


class Messages:
    """Messages to the editor. None of them holds text of the user's."""

    def __init__(self, server: AssistantLanguageServer) -> None:
        self._server = server
        self._in_trouble = False

    def info(self, text: str) -> None:
        """Show a message."""
        self._show(types.MessageType.Info, text)

    def warn(self, text: str) -> None:
        """Show a warning."""
        self._show(types.MessageType.Warning, text)

    def error(self, text: str) -> None:
        """Show an error that the user has just caused to happen."""
        self._show(types.MessageType.Error, text)

    def trouble(self, text: str) -> None:
        """Log an error of work that nobody asked for by hand, and show the first one.

        What goes wrong at one keystroke mostly goes wrong at the next, with other figures in it.
        """
        self._server.window_log_message(types.LogMessageParams(types.MessageType.Error, text))
        if not self._in_trouble:
            self._in_trouble = True
            self.error(text)

    def trace(self, text: str) -> None:
        """Say what is done, to an editor that wants to follow it."""
        if self._server.protocol.trace is not types.TraceValue.Off:
            self._server.log_trace(types.LogTraceParams(text))

    def recovered(self) -> None:
        """A model is loaded: the next trouble is news."""
        self._in_trouble = False

    def _show(self, kind: types.MessageType, text: str) -> None:
        message = types.ShowMessageParams(kind, f"assistant: {text}")
        self._server.window_show_message(message)
