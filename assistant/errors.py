"""The one root of every error that a user may see, and the exit codes they become.

An error's text is one line that says what is wrong and what to do next.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130


class AssistantError(Exception):
    """Root of all errors meant for the user; `str(error)` is shown as it is."""

    exit_code = ExitCode.FAILED


class UsageError(AssistantError):
    """The request itself is wrong: a bad option, place or value."""

    exit_code = ExitCode.USAGE


class PromptError(AssistantError):
    """A conversation or request that no prompt can be made of."""


class ModelNotFoundError(AssistantError):
    """A model name that means nothing, or weights that are not on this machine."""


class ModelFolderError(AssistantError):
    """A model folder that is incomplete, damaged, or of a kind that is not supported."""


class ServerError(AssistantError):
    """The model server could not be started, reached, or refused the request."""


class ServerGoneError(ServerError):
    """This machine's model server broke off; it can be started again."""


class Cancelled(AssistantError):
    """The request was cancelled by whoever made it."""
