"""Writes the record of use, in a thread of its own, in the order in which it is told to."""

import atexit
import threading
from collections.abc import Callable
from queue import SimpleQueue

from assistant.errors import AssistantError
from assistant.history.database import DamagedHistoryError
from assistant.history.store import History

_DRAIN_SECONDS = 10.0
"""How long to wait at the end for a disk that does not answer."""

_Write = Callable[[History], object]


class Writer:
    """One thread behind a queue. What goes wrong is told, and ends nothing."""

    def __init__(
        self, history: History, enabled: Callable[[str], bool], tell: Callable[[str], None]
    ) -> None:
        """`enabled` gets a file's path in the thread, as it may read files, and says whether to
        write; `tell` gets each problem, in the thread too."""
        self._history = history
        self._enabled = enabled
        self._tell = tell
        self._queue: SimpleQueue[tuple[str, _Write] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, path: str, write: _Write) -> None:
        """Write something about a file, soon."""
        if self._thread is None:
            # It ends with the process, but not before `close`, which the end of that waits for.
            self._thread = threading.Thread(target=self._run, name="record", daemon=True)
            self._thread.start()
            atexit.register(self.close)
        self._queue.put((path, write))

    def close(self) -> None:
        """Write all that is left, and end."""
        if self._thread is not None:
            atexit.unregister(self.close)
            self._queue.put(None)
            self._thread.join(_DRAIN_SECONDS)
            self._thread = None

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            path, write = item
            try:
                if self._enabled(path):
                    self._write(write)
            except AssistantError as error:
                self._tell(str(error))
            except Exception as error:  # a mistake of ours must not end the thread
                self._tell(f"suggestions are not recorded: {type(error).__name__}")
        self._history.close()

    def _write(self, write: _Write) -> None:
        try:
            write(self._history)
        except DamagedHistoryError as error:
            self._tell(str(error))
            write(self._history)
