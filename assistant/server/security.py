"""Who may come in: whoever shows the token, by a loopback name, from no page of another site."""

import hmac
import secrets
import stat
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant import paths
from assistant.loopback import foreign_part
from assistant.server.activity import Activity
from assistant.server.bodies import read_body, replay
from assistant.server.limits import Limits
from assistant.server.metrics import Metrics
from assistant.server.refusals import Refusal, RefusalLog, refusal_of
from assistant.server.routes import HEALTH, METRICS, route_of

_PASSIVE = (HEALTH, METRICS)
"""Watching a server is no use of it: it may idle meanwhile."""


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

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        limits: Limits,
        activity: Activity,
        metrics: Metrics,
        log: RefusalLog,
    ) -> None:
        """`token` is what the Authorization header must hold."""
        self._app = app
        self._expected = f"Bearer {token}".encode()
        self._limits = limits
        self._activity = activity
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        started = False

        async def tracked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._metrics.request(route_of(scope["path"]), message["status"])
            await send(message)

        try:
            await self._pass(scope, receive, tracked)
        except Exception as error:  # left to the web server, a bug's message would be logged
            refusal = refusal_of(error)
            if not started:
                self._log.write(refusal, scope)
                await refusal.response()(scope, receive, tracked)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, path = Headers(scope=scope), scope["path"]
        _check_address(headers)
        if path != HEALTH:
            self._check_token(headers)
        if path in _PASSIVE:
            await self._app(scope, receive, send)
            return
        with self._activity.request():
            body = await read_body(receive, headers, self._limits)
            await self._app(scope, replay(body, receive), send)

    def _check_token(self, headers: Headers) -> None:
        shown = headers.get("authorization", "").encode()
        if not hmac.compare_digest(shown, self._expected):
            message = f"the API key is not this server's: it is in {paths.token_file()}"
            raise Refusal(401, message, code="invalid_api_key")


def _check_address(headers: Headers) -> None:
    """Refuse what a page of some website has a browser send. Raises Refusal (403).

    No page is served here, so that no browser has a reason to come at all.
    """
    foreign = foreign_part(headers)
    if foreign == "host":
        raise Refusal(403, "this server answers on loopback names only", code="foreign_host")
    if foreign == "origin":
        raise Refusal(403, "this server answers no pages of other sites", code="foreign_origin")


def _private_text(path: Path) -> str:
    """The text of a file that its owner alone can read; empty for any other."""
    try:
        readable_by_others = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        return "" if readable_by_others else path.read_text().strip()
    except FileNotFoundError:
        return ""
