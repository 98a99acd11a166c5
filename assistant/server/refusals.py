"""What a client is told when its request is not answered, in the shape OpenAI's clients know."""

import logging
import traceback
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from assistant.errors import (
    AssistantError,
    Cancelled,
    ModelNotFoundError,
    PromptError,
    UsageError,
)

logger = logging.getLogger(__name__)

_INVALID = "invalid_request_error"
_SERVER = "server_error"


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
    ) -> None:
        """`code` is for programs, `message` for people; `retry_after` is in seconds."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.retry_after = retry_after

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


def install(app: FastAPI) -> None:
    """Make `app` answer every exception with a refusal."""

    async def answer(_request: Request, error: Exception) -> JSONResponse:
        return refusal_of(error).response()

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
