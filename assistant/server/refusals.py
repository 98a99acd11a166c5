"""What a client is told when its request is not answered, in the shape OpenAI's clients know."""

import logging
import time
import traceback
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Scope

from assistant.errors import (
    AssistantError,
    Cancelled,
    ModelFolderError,
    ModelNotFoundError,
    PromptError,
    UsageError,
)
from assistant.server.routes import method_of, route_of

logger = logging.getLogger(__name__)

_INVALID = "invalid_request_error"
_SERVER = "server_error"
_EXPECTED = ("model_loading", "server_ending")
"""Codes of refusals that are the ordinary course of things."""
_LINES_A_MINUTE = 100
"""So that nobody fills the disk by being refused."""


class Refusal(Exception):
    """A request that is answered with an error instead."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
        retry: bool = True,
        close: bool = False,
    ) -> None:
        """`code` is for programs, `message` for people; `retry_after` is in seconds.

        Without `retry` clients are told that asking again is in vain, where the status would
        make them try. `close` ends the connection, too.
        """
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after = retry_after
        self.retry = retry
        self.close = close

    def body(self) -> dict[str, Any]:
        """The JSON of an error as OpenAI's API writes it."""
        kind = _INVALID if self.status < HTTPStatus.INTERNAL_SERVER_ERROR else _SERVER
        return {
            "error": {
                "message": self.message,
                "type": kind,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> JSONResponse:
        """The whole answer."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        if self.close:
            headers["Connection"] = "close"
        if not self.retry:
            headers["X-Should-Retry"] = "false"  # OpenAI's own header for it
        return JSONResponse(self.body(), self.status, headers)


def refusal_of(error: Exception) -> Refusal:
    """The refusal that tells a client of `error`; a bug is logged without the user's text."""
    match error:
        case Refusal():
            return error
        case Cancelled():
            return Refusal(503, "the model server is ending", code="server_ending")
        case UsageError() | PromptError():
            return Refusal(400, str(error))
        case ModelNotFoundError():
            return Refusal(404, str(error), code="model_not_found")
        case ModelFolderError():
            return Refusal(500, str(error), code="model_damaged", retry=False)
        case AssistantError():
            return Refusal(500, str(error))
        case HTTPException():
            return Refusal(error.status_code, str(error.detail))
        case RequestValidationError():
            return _of_validation(error)
        case _:
            _log_bug(error)
            message = f"the model server failed ({type(error).__name__}); its log says where"
            return Refusal(500, message, code="internal_error")


class RefusalLog:
    """One line for each refusal: who was refused what, and why; nothing that the client wrote."""

    def __init__(self) -> None:
        self._minute = 0
        self._lines = 0

    def write(self, refusal: Refusal, scope: Scope) -> None:
        """Log that the request of `scope` was refused."""
        if refusal.code in _EXPECTED:
            return
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        self._lines += 1
        if self._lines > _LINES_A_MINUTE:
            return
        host, port = scope.get("client") or ("somebody", 0)
        why = refusal.code or "invalid_request"
        route = route_of(scope["path"])
        more = "; more of them are not logged" if self._lines == _LINES_A_MINUTE else ""
        what = f"{method_of(scope['method'])} {route}"
        logger.warning("refused %d %s %s from %s:%s%s", refusal.status, why, what, host, port, more)


def install(app: FastAPI, log: RefusalLog) -> None:
    """Make `app` answer every exception with a refusal, and log it."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        refusal = refusal_of(error)
        log.write(refusal, request.scope)
        return refusal.response()

    for kind in (Refusal, AssistantError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, answer)


def _of_validation(error: RequestValidationError) -> Refusal:
    """All problems in one line; the offending values are the user's text and stay out of it."""
    problems = []
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"] if part != "body")
        message = str(problem["msg"]).removeprefix("Value error, ")
        problems.append(f"{place}: {message}" if place else message)
    places = [part for part in error.errors()[0]["loc"] if part != "body"]
    param = str(places[0]) if places and isinstance(places[0], str) else None
    return Refusal(400, "; ".join(problems), param=param)


def _log_bug(error: Exception) -> None:
    """Where it happened, and not the message: messages of exceptions may quote the user's text."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s in a request:\n%s", type(error).__name__, frames)
