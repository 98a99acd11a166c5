"""Who may come in: whoever shows the token, by a loopback name, with a body of bearable size."""

import hmac
import secrets
import stat
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant import paths
from assistant.server.refusals import Refusal, refusal_of
from assistant.server.serving import Activity

MAX_BODY_BYTES = 8 * 1024 * 1024
_DISCARD_BYTES = 8 * MAX_BODY_BYTES
"""How much of a body that is too large is read and thrown away, so that its sender gets to see
the answer rather than a broken connection."""
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_OPEN_PATHS = ("/health",)


def ensure_token() -> str:
    """The secret that clients show, made anew where there is none or others could have read it."""
    path = paths.token_file()
    token = _private_text(path)
    if not token:
        token = secrets.token_urlsafe(32)
        paths.write_atomically(path, token, mode=0o600)
    return token


class Guard:
    """ASGI middleware in front of everything. Requests that pass it count as activity."""

    def __init__(self, app: ASGIApp, *, token: str, activity: Activity) -> None:
        """`token` is what the Authorization header must hold."""
        self._app = app
        self._expected = f"Bearer {token}".encode()
        self._activity = activity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        started = False

        async def tracked(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._pass(scope, receive, tracked)
        except Exception as error:  # left to the web server, a bug's message would be logged
            refusal = refusal_of(error)
            if not started:
                await refusal.response()(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._check(Headers(scope=scope), scope["path"])
        if scope["path"] in _OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        with self._activity.request():
            body = await _read_body(receive)
            await self._app(scope, _replay(body, receive), send)

    def _check(self, headers: Headers, path: str) -> None:
        # A page in the user's browser may reach loopback under a name of its own that it makes
        # resolve to 127.0.0.1; the name is then in the Host header.
        if not is_loopback_name(headers.get("host", "")):
            raise Refusal(403, "this server answers on loopback names only", code="foreign_host")
        if path in _OPEN_PATHS:
            return
        shown = headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, self._expected):
            message = f"the API key is not this server's: it is in {paths.token_file()}"
            raise Refusal(401, message, code="invalid_api_key")


def is_loopback_name(host: str) -> bool:
    """Whether a Host header's value, with or without a port, names this machine to itself."""
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal():
        name = host
    return name.lower() in _LOOPBACK_NAMES


def _private_text(path: Path) -> str:
    """The text of a file that its owner alone can read; empty for any other."""
    try:
        readable_by_others = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        return "" if readable_by_others else path.read_text().strip()
    except FileNotFoundError:
        return ""


async def _read_body(receive: Receive) -> bytes:
    """The whole body. Raises Refusal when it is too large."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more and size <= _DISCARD_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "the client went away")
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_BODY_BYTES:
            parts.append(part)
        else:
            parts.clear()
        more = message.get("more_body", False)
    if size > MAX_BODY_BYTES:
        limit = MAX_BODY_BYTES // 2**20
        raise Refusal(413, f"the request is larger than {limit} MB", code="request_too_large")
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read already, and then what comes after it."""
    rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return rest.pop() if rest else await receive()

    return replayed
