"""Which requests to a server on loopback come from elsewhere than its own pages and programs."""

from collections.abc import Mapping
from typing import Literal

_NAMES = ("127.0.0.1", "localhost", "[::1]")
_OWN_SITES = ("none", "same-origin")


def foreign_part(headers: Mapping[str, str]) -> Literal["host", "origin"] | None:
    """What of a request's headers says that a page of some website had a browser send it.

    Such a page can reach loopback in two ways: under a name of its own that it makes resolve to
    127.0.0.1, which is then in the Host header; or by its true address, and then the browser says
    from where the request comes, at the latest when it is one that could change something or
    opens a WebSocket. Names of headers are looked up in lower case.
    """
    host = headers.get("host", "")
    if not is_loopback_name(host):
        return "host"
    origin = headers.get("origin", f"http://{host}")
    site = headers.get("sec-fetch-site", "none")
    if origin.lower() != f"http://{host.lower()}" or site not in _OWN_SITES:
        return "origin"
    return None


def is_loopback_name(host: str) -> bool:
    """Whether a Host header's value, with or without a port, names this machine to itself."""
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal():
        name = host
    return name.lower() in _NAMES
