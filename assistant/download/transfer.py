"""Several files at once, and large ones in several ranges at once, over few connections."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import httpx

from assistant.download.answers import beginning, failure, may_pass, told_wait, whole_size
from assistant.download.pace import Pace
from assistant.download.part_file import PART, Gap, PartFile
from assistant.download.progress import Progress, Standing
from assistant.download.remote import PullError, RemoteFile

CONNECTIONS = 4
"""How many connections are open at once where nobody says otherwise."""
_RANGE_BYTES = 64 << 20
"""Large enough that asking for the next range costs little, small enough that none is last long."""
_RETRIES = 5
_RETRY_SECONDS = 1.0
_PROGRESS_SECONDS = 0.25
_TIMEOUT = httpx.Timeout(30.0)


def fetch_all(
    files: Sequence[RemoteFile],
    folder: Path,
    name: str,
    on_progress: Callable[[Standing], object],
    *,
    token: str | None = None,
    connections: int = CONNECTIONS,
) -> None:
    """Fetch `files` into `folder`, where what an earlier call left is used.

    `on_progress` is told of `name` a few times a second, in the thread that calls. No more
    than `connections` are open at any time. Raises PullError when a file cannot be had, is not what
    the hub says it is, or finds no place on the disk.
    """
    headers = {"Accept-Encoding": "identity"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    limits = httpx.Limits(max_connections=connections)
    progress = Progress(name, sum(file.size for file in files), fetched_bytes(files, folder))
    with (
        httpx.Client(
            headers=headers, follow_redirects=True, timeout=_TIMEOUT, limits=limits
        ) as client,
        ThreadPoolExecutor(connections) as pool,
    ):
        transfer = _Transfer(client, pool, folder, progress)
        try:
            transfer.run(files, on_progress)
        except BaseException:
            transfer.stop.set()
            pool.shutdown(cancel_futures=True)
            transfer.close()
            raise


def fetched_bytes(files: Sequence[RemoteFile], folder: Path) -> int:
    """How much of `files` is in `folder` already."""
    return sum(_fetched_bytes(file, folder) for file in files)


def _fetched_bytes(file: RemoteFile, folder: Path) -> int:
    if (folder / file.name).is_file():
        return file.size
    part = _part_path(file, folder)
    if not part.is_file():
        return 0
    with PartFile(part, file.size, _RANGE_BYTES) as opened:
        return opened.fetched


def _part_path(file: RemoteFile, folder: Path) -> Path:
    """Where a file grows: other contents of the same name grow elsewhere."""
    return folder / f"{file.name}.{(file.digest or '')[:12]}{PART}"


@dataclass
class _Growing:
    """A file that is being fetched."""

    file: RemoteFile
    part: PartFile
    spread: bool = False
    """Whether the server knows ranges, so that others fetch the other ones."""
    busy: int = 1
    """How many threads fetch ranges of it, or will."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wanted(self, index: int) -> Gap | None:
        """What the thread of the range `index` fetches next: its own range, or all when alone."""
        gap = self.part.gap(index)
        if gap is not None or self.spread:
            return gap
        missing = self.part.missing()
        return self.part.gap(missing[0]) if missing else None

    def leave(self) -> bool:
        """A thread has done its range; True for the last one."""
        with self.lock:
            self.busy -= 1
            return self.busy == 0


class _Transfer:
    """The files of one pull. All methods but `run` are called in the pool's threads."""

    def __init__(
        self, client: httpx.Client, pool: ThreadPoolExecutor, folder: Path, progress: Progress
    ) -> None:
        self.stop = threading.Event()
        self._client = client
        self._pool = pool
        self._folder = folder
        self._progress = progress
        self._pace = Pace(self.stop)
        self._spread: SimpleQueue[Future[None]] = SimpleQueue()
        self._parts: list[PartFile] = []

    def run(self, files: Sequence[RemoteFile], on_progress: Callable[[Standing], object]) -> None:
        """Fetch everything; raises what went wrong first."""
        largest_first = sorted(files, key=lambda file: file.size, reverse=True)
        waiting = {self._pool.submit(self._begin, file) for file in largest_first}
        while waiting:
            done, waiting = wait(waiting, _PROGRESS_SECONDS, FIRST_EXCEPTION)
            while not self._spread.empty():
                waiting.add(self._spread.get())
            on_progress(self._progress.standing(self._pace.resumes_in))
            for future in done:
                future.result()

    def close(self) -> None:
        """Let go of files whose fetching was given up, once no thread writes any more."""
        for part in self._parts:
            part.close()

    def _begin(self, file: RemoteFile) -> None:
        """Fetch a file's first missing range; others come to help if the server knows ranges."""
        place = self._folder / file.name
        if place.is_file():
            if self._is_right(file, place):
                return
            place.unlink()  # the repository holds another version by now
            self._progress.gets(-file.size)
        part = PartFile(_part_path(file, self._folder), file.size, _RANGE_BYTES)
        self._parts.append(part)
        self._fill(_Growing(file, part), next(iter(part.missing()), 0))

    def _fill(self, growing: _Growing, index: int) -> None:
        """Fetch a range, whatever breaks on the way; whoever comes last checks the file."""
        try:
            self._fetch_range(growing, index)
        finally:
            last = growing.leave()
            if last:
                growing.part.close()
        if last and not self.stop.is_set():
            self._finish(growing)

    def _fetch_range(self, growing: _Growing, index: int) -> None:
        part, attempts = growing.part, 0
        while not self.stop.is_set() and (gap := growing.wanted(index)) is not None:
            before = part.fetched
            try:
                self._pace.wait()
                self._receive(growing, gap)
            except (httpx.TransportError, httpx.HTTPStatusError) as error:
                attempts = 1 if part.fetched > before else attempts + 1
                if attempts > _RETRIES or not may_pass(error):
                    raise failure(self._progress.name, growing.file.name, error) from error
                self._wait_after(error, attempts)
            except OSError as error:
                raise PullError(
                    f"{self._progress.name}: {growing.file.name} cannot be written"
                    f" ({error.strerror}); free some space in {self._folder.parent} and run the"
                    " same command again to go on where this ended"
                ) from error

    def _wait_after(self, error: httpx.HTTPError, attempts: int) -> None:
        """Wait before the next attempt, all threads together where the hub asks for patience."""
        told = told_wait(error, self._progress.name)
        if told is not None:
            self._pace.hold(told or _RETRY_SECONDS * 2**attempts)
        else:
            self.stop.wait(_RETRY_SECONDS * attempts)

    def _receive(self, growing: _Growing, gap: Gap) -> None:
        """One answer of the server, as far as it comes."""
        file, part = growing.file, growing.part
        whole = gap == Gap(0, file.size)
        headers = {} if whole else {"Range": f"bytes={gap.start}-{gap.end - 1}"}
        with self._client.stream("GET", file.url, headers=headers) as response:
            response.raise_for_status()
            if whole_size(response) not in (None, file.size):
                raise self._thrown_away(growing)
            # A server that knows no ranges answers 200 and sends everything.
            offset = beginning(response, gap.start)
            if response.status_code == httpx.codes.PARTIAL_CONTENT:
                self._spread_out(growing, gap)
            end = gap.end if growing.spread else file.size
            for chunk in response.iter_raw():
                if self.stop.is_set():
                    return
                self._progress.gets(part.write(offset, chunk))
                offset += len(chunk)
                if offset > end:  # the rest of the file is not this thread's
                    return
            if offset < end:
                raise httpx.RemoteProtocolError("the answer ended too early")

    def _spread_out(self, growing: _Growing, gap: Gap) -> None:
        """Let other threads fetch the ranges after this one, once."""
        with growing.lock:
            if growing.spread:
                return
            growing.spread = True
            others = [i for i in growing.part.missing() if growing.part.gap(i) != gap]
            growing.busy += len(others)
        for index in others:
            fill = partial(self._fill, growing, index)
            self._spread.put(self._pool.submit(fill))

    def _finish(self, growing: _Growing) -> None:
        """Check a file of which everything is here, and give it its name."""
        growing.part.complete()
        if not self._is_right(growing.file, growing.part.path):
            raise self._thrown_away(growing)
        growing.part.path.rename(self._folder / growing.file.name)

    def _is_right(self, file: RemoteFile, path: Path) -> bool:
        with self._progress.checking():
            return file.is_at(path)

    def _thrown_away(self, growing: _Growing) -> PullError:
        growing.part.path.unlink(missing_ok=True)
        return PullError(
            f"{self._progress.name}: {growing.file.name} arrived damaged and was thrown away; run"
            " the same command again to fetch it anew"
        )
