"""Reading a request's body: all of it, if it is small enough and arrives in time."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from assistant.server.limits import Limits
from assistant.server.refusals import Refusal


async def read_body(receive: Receive, headers: Headers, limits: Limits) -> bytes:
    """The whole body. Raises Refusal when it is too large, or takes too long.

    Of a body that is too large no more is kept than fits; the web server throws the rest away.
    """
    if _declared(headers) > limits.body_bytes:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_seconds):
            return await _read(receive, limits)
    except TimeoutError as error:
        message = f"the request did not arrive within {limits.body_seconds:g} seconds"
        raise Refusal(408, message, code="body_timeout", retry=False, close=True) from error


def replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read already, and then what comes after it."""
    rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return rest.pop() if rest else await receive()

    return replayed


async def _read(receive: Receive, limits: Limits) -> bytes:
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "the client went away", code="client_gone")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limits.body_bytes:
            raise _too_large(limits)
        more = message.get("more_body", False)
    return b"".join(parts)


def _declared(headers: Headers) -> int:
    """How large the body is to be, as far as that is said."""
    length = headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0


def _too_large(limits: Limits) -> Refusal:
    megabytes = limits.body_bytes / 2**20
    return Refusal(413, f"the request is larger than {megabytes:g} MB", code="request_too_large")
