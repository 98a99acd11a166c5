"""What a failed request means: try again, ask otherwise, or tell the user what to do."""

import importlib
import re
from typing import TYPE_CHECKING, Any

from assistant.errors import ServerError, ServerGoneError

if TYPE_CHECKING:
    import openai

_GONE_STATUSES = (401, 404, 503)
"""What a server says that is not, or not yet, the one that this client knew."""
_NO_SUCH_WAY = (404, 405, 501)
_REFUSAL = re.compile(r"suffix|infill|insert|template|not support|unsupported|prefill", re.I)


def is_gone(error: "openai.APIError") -> bool:
    """Whether the server has died, or is ending, or is not the one that was known."""
    if isinstance(error, _openai().APIConnectionError) or error.code == "server_ending":
        return True
    return getattr(error, "status_code", None) in _GONE_STATUSES


def wants_another_way(error: "openai.APIError") -> bool:
    """Whether the server cannot be asked like this, and may be asked otherwise."""
    status = getattr(error, "status_code", None)
    told = f"{error.message} {error.body}"
    return status in _NO_SUCH_WAY or (status in (400, 422) and bool(_REFUSAL.search(told)))


def gone() -> ServerGoneError:
    """This machine's server is not there any more."""
    return ServerGoneError(
        "the model server cannot be reached, or broke off: try again; `assistant doctor` looks"
        " for the reason"
    )


def as_server_error(error: "openai.APIError", foreign_url: str | None) -> ServerError:
    """What went wrong and what to do."""
    openai = _openai()
    where = f"the server at {foreign_url}" if foreign_url else "the model server"
    if isinstance(error, openai.APIConnectionError):
        message = f"{where} cannot be reached, or broke off: "
        if foreign_url:
            return ServerError(f"{message}is `server_url` in the settings right, and does it run?")
        return gone()
    if isinstance(error, openai.AuthenticationError):
        advice = "set `api_key` in the settings" if foreign_url else "end it, and try again"
        return ServerError(f"{where} refuses the key: {advice}")
    if foreign_url and isinstance(error, openai.NotFoundError):
        advice = "`server_url` in the settings usually ends in /v1"
        return ServerError(
            f"{where} does not know what it is asked for ({error.message}): {advice}"
        )
    body = error.body if isinstance(error.body, dict) else {}
    return ServerError(str(body.get("message") or f"{where} failed: {error.message}"))


def _openai() -> Any:
    """The package, which is loaded when there is a connection and not before."""
    return importlib.import_module("openai")
