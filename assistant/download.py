"""Files from the model hub to a folder: several at once, resumed, and checked by their hashes."""

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx

from assistant.errors import AssistantError
from assistant.registry import gigabytes

PART = ".part"
"""Ends the name of a file of which the rest is still to come."""
_WORKERS = 4
_CHUNK = 1 << 20
_RETRIES = 5
_RETRY_SECONDS = 1.0
_PROGRESS_SECONDS = 0.25
_TIMEOUT = httpx.Timeout(30.0)


class PullError(AssistantError):
    """A model that cannot be fetched, or not now."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file in a repository of the hub."""

    name: str
    url: str
    size: int
    sha256: str | None
    """Of large files; small ones have `blob_id` alone."""
    blob_id: str | None
    """Git's own hash, which counts the size in."""

    @property
    def digest(self) -> str | None:
        """The hash that the file must have."""
        return self.sha256 or self.blob_id

    def hasher(self) -> "hashlib._Hash":
        """What computes `digest` from the file's bytes."""
        if self.sha256 is not None:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)


class _Progress:
    """How far the files are, told by several threads at once."""

    def __init__(self, name: str, sizes: Mapping[str, int]) -> None:
        self.name = name
        self.stop = threading.Event()
        self._total = sum(sizes.values())
        self._have = dict.fromkeys(sizes, 0)
        self._fetched = dict.fromkeys(sizes, 0)
        self._start = time.monotonic()

    def starts(self, file: str, have: int) -> None:
        """So much of `file` was here already."""
        self._have[file] = have
        self._fetched[file] = 0

    def gets(self, file: str, count: int) -> None:
        """So much more of `file` arrived."""
        self._fetched[file] += count

    def line(self) -> str:
        """What a person wants to know while waiting."""
        fetched = sum(self._fetched.values())
        done = sum(self._have.values()) + fetched
        text = f"{self.name}: {gigabytes(done)} of {gigabytes(self._total)}"
        rate = fetched / max(time.monotonic() - self._start, 0.001)
        if not rate or done >= self._total:
            return text
        minutes, seconds = divmod(int((self._total - done) / rate), 60)
        left = f"{minutes} min" if minutes else f"{seconds} s"
        return f"{text}, {rate / 1e6:.1f} MB/s, {left} left"


def fetch_all(
    files: Sequence[RemoteFile],
    folder: Path,
    name: str,
    on_progress: Callable[[str], None],
    *,
    token: str | None = None,
) -> None:
    """Fetch `files` into `folder`, where what an earlier call left is used.

    `on_progress` gets a line about `name` a few times a second, in the thread that calls. Raises
    PullError when a file cannot be had or is not what the hub says it is.
    """
    progress = _Progress(name, {file.name: file.size for file in files})
    largest_first = sorted(files, key=lambda file: file.size, reverse=True)
    headers = {"Accept-Encoding": "identity"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with (
        httpx.Client(headers=headers, follow_redirects=True, timeout=_TIMEOUT) as client,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        fetch = partial(_fetch, client=client, folder=folder, progress=progress)
        waiting: set[Future[None]] = {pool.submit(fetch, file) for file in largest_first}
        try:
            while waiting:
                done, waiting = wait(waiting, _PROGRESS_SECONDS, FIRST_EXCEPTION)
                on_progress(progress.line())
                for future in done:
                    future.result()
        except BaseException:
            progress.stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _fetch(file: RemoteFile, *, client: httpx.Client, folder: Path, progress: _Progress) -> None:
    """Fetch one file, or the rest of it, and check it."""
    place = folder / file.name
    if place.is_file():
        if _hash_of(place, file) == file.digest:
            progress.starts(file.name, file.size)
            return
        place.unlink()  # the repository holds another version by now
    part = folder / f"{file.name}.{(file.digest or '')[:12]}{PART}"
    attempts = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            _append(file, part, client, progress)
            break
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            gained = part.is_file() and part.stat().st_size > before
            attempts = 1 if gained else attempts + 1
            if attempts > _RETRIES or not _passing(error):
                raise _failure(progress.name, file, error) from error
            if progress.stop.wait(_RETRY_SECONDS * attempts):
                return
    if progress.stop.is_set():
        return
    if part.stat().st_size != file.size or _hash_of(part, file) != file.digest:
        part.unlink()
        raise PullError(
            f"{progress.name}: {file.name} arrived damaged and was thrown away; run the same"
            " command again to fetch it anew"
        )
    part.rename(place)


def _append(file: RemoteFile, part: Path, client: httpx.Client, progress: _Progress) -> None:
    """Fetch what `part` lacks, until it is whole or the pull is stopped."""
    have = part.stat().st_size if part.is_file() else 0
    progress.starts(file.name, have)
    if have >= file.size:
        part.touch()
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    with client.stream("GET", file.url, headers=headers) as response:
        response.raise_for_status()
        # A server that knows no ranges answers 200 and sends everything.
        ranged = response.status_code == httpx.codes.PARTIAL_CONTENT
        if not ranged:
            progress.starts(file.name, 0)
        with part.open("ab" if ranged else "wb") as out:
            for chunk in response.iter_raw(_CHUNK):
                if progress.stop.is_set():
                    return
                out.write(chunk)
                progress.gets(file.name, len(chunk))


def _hash_of(path: Path, file: RemoteFile) -> str | None:
    """The file's hash by the hub's measure, or None where the hub tells none."""
    if file.digest is None:
        return None
    hasher = file.hasher()
    with path.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


def _passing(error: httpx.HTTPError) -> bool:
    """Whether trying again may help."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in (408, 429) or error.response.status_code >= 500
    return True


def _failure(name: str, file: RemoteFile, error: httpx.HTTPError) -> PullError:
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
        return PullError(gated(name))
    return PullError(unreachable(f"{name}: {file.name}", error))


def gated(what: str) -> str:
    """What to say of a repository whose files want a consent."""
    return (
        f"{what} asks for its licence to be accepted: do so on its page on the model hub, make a"
        " token there, and run the same command with the token in HF_TOKEN"
    )


def unreachable(what: str, error: Exception) -> str:
    """What to say when the hub does not answer as it should, in one line."""
    lines = str(error).strip().splitlines()
    reason = lines[0] if lines else type(error).__name__
    return (
        f"{what} cannot be fetched from the model hub ({reason}); run the same command again to go"
        " on where this ended"
    )
