"""What the hub's answers say beside the bytes: sizes, ranges, refusals, and when to come again."""

import email.utils
import re
from datetime import UTC, datetime

import httpx

from assistant.download.remote import PullError, gated, unreachable

_LONGEST_WAIT_SECONDS = 600.0
"""Who is told to wait longer had better come again later."""
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_BUSY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


def whole_size(response: httpx.Response) -> int | None:
    """The size of the whole file, of which the answer may hold a range; None if it is not told."""
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        told = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return int(told[2]) if told and told[2] != "*" else None
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def beginning(response: httpx.Response, asked: int) -> int:
    """Which byte of the file the answer's first one is, where a range from `asked` was wanted.

    Raises RemoteProtocolError when the answer is some other range.
    """
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return 0
    told = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if told is None or int(told[1]) != asked:
        raise httpx.RemoteProtocolError("the server sent a range that was not asked for")
    return asked


def may_pass(error: httpx.HTTPError) -> bool:
    """Whether trying again may help."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    return True


def told_wait(error: httpx.HTTPError, name: str) -> float | None:
    """Seconds for which the hub wants no requests at all; 0 when it does not say how long.

    None when it is no such refusal. Raises PullError when that is too long to wait for.
    """
    if not isinstance(error, httpx.HTTPStatusError) or error.response.status_code not in _BUSY:
        return None
    seconds = _retry_after(error.response.headers.get("Retry-After", ""))
    if seconds > _LONGEST_WAIT_SECONDS:
        raise PullError(
            f"{name}: the model hub has had too many requests and asks to wait"
            f" {seconds / 60:.0f} minutes; run the same command then to go on where this ended"
        ) from error
    return seconds


def _retry_after(value: str) -> float:
    """Seconds until a moment that is told as a number or as a date; 0 for anything else."""
    if value.strip().isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def failure(name: str, file: str, error: httpx.HTTPError) -> PullError:
    """What to tell the user of a file that cannot be had."""
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
        return PullError(gated(name))
    return PullError(unreachable(f"{name}: {file}", error))
