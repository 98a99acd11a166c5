"""What a server on this machine says of its state."""

import http.client
import json
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from assistant.client.record import ServerRecord

_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of `/health`."""

    status: str
    model: str
    detail: str
    running: int
    """How many requests it is answering."""


class NoAnswer(Exception):
    """The server listens and does not answer: it is under heavy load, or hangs."""


def ask_health(record: ServerRecord) -> Health | None:
    """The state of the server of `record`, or None when it is not there any more.

    Blocks for some seconds at most, and then raises NoAnswer. By the standard library alone: this
    knows no proxies and costs no imports.
    """
    if not is_mine(record.pid):
        return None
    address = urlsplit(record.url)
    connection = http.client.HTTPConnection(
        address.hostname or "", address.port, timeout=_ANSWER_SECONDS
    )
    try:
        connection.request("GET", "/health")
        answer = json.loads(connection.getresponse().read())
        # The port may have gone to another program since: it is not to be shown the token.
        if answer["pid"] != record.pid:
            return None
        return Health(answer["status"], answer["model"], answer["detail"], answer["running"])
    except TimeoutError as error:
        raise NoAnswer from error
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def is_mine(pid: int) -> bool:
    """Whether a process of this user has that number."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
