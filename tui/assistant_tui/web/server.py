"""Who may open the app in a browser: whoever has its address, on this machine, from no other page.

What is typed in that page can read and change the user's notes, so it is guarded as the model
server is. The address has a secret in its path, made anew at each start; other names than those of
loopback and pages of other sites are refused; and the page may load nothing from anywhere else.
"""

import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from textual_serve.server import Server

from assistant.errors import UsageError
from assistant.loopback import foreign_part

HOST = "127.0.0.1"
_TITLE = "assistant"
_FOLDER = Path(__file__).parent.resolve()
_LAST_SECONDS = 2.0
"""Tabs have so long to save and end when the server does."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        " font-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebServer(Server):
    """Serves what a command runs to whoever knows the address."""

    def __init__(self, command: str, port: int) -> None:
        """`port` is where it listens already."""
        super().__init__(command, HOST, port, title=_TITLE, templates_path=_FOLDER)
        self._secret = secrets.token_urlsafe(32)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"{self.public_url}/{self._secret}/"

    async def application(self) -> web.Application:
        """All routes, behind the guard."""
        inner = await self._make_app()
        inner.add_routes([web.get("/focus.js", _focus_script)])
        outer = web.Application(middlewares=[_guard])
        outer.add_subapp(f"/{self._secret}", inner)
        # Where the page's script looks for files; each has a secret of its own in its name.
        outer.add_routes([web.get("/download/{key}", self.handle_download)])
        outer.on_response_prepare.append(_with_headers)
        return outer

    async def on_startup(self, app: web.Application) -> None:
        """Nothing: whoever starts it says where it is."""


def serve(command: str, port: int, announce: Callable[[str], object]) -> None:
    """Serve until Ctrl+C. `announce` is told the address; port 0 is any that is free.

    Raises UsageError where the port cannot be had.
    """
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise UsageError(f"port {port} cannot be had ({error.strerror}): choose another") from error
    with listening:
        server = WebServer(command, listening.getsockname()[1])
        announce(server.address)
        web.run_app(
            server.application(),
            sock=listening,
            print=None,
            access_log=None,
            shutdown_timeout=_LAST_SECONDS,
        )


@web.middleware
async def _guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Refuse what does not come from the page itself."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if foreign_part(headers) is not None:
        raise web.HTTPForbidden(text="Only this machine's own browser may open this.\n")
    return await handler(request)


async def _focus_script(_: web.Request) -> web.FileResponse:
    return web.FileResponse(_FOLDER / "focus.js")


async def _with_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
