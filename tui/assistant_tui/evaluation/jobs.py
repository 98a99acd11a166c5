"""Evaluations and diagnoses that were started here: processes that go on without this one."""

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import AssistantError
from assistant.paths import log_dir
from assistant_tui.command_line import begin, last_words

_SECONDS_TO_END = 3.0
"""For a process to be gone that has done its work: a large model leaves memory slowly."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a job."""

    name: str
    problem: str
    """Why it failed; empty where it did not."""


class Jobs:
    """At most one of each name. Methods block for moments: call them in a thread."""

    def __init__(self) -> None:
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._untold: list[Ended] = []
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """Those that have not been told of as ended."""
        return tuple(self._running)

    def begin(self, name: str, arguments: Sequence[str]) -> None:
        """Start one, behind another that is just ending.

        Raises AssistantError where another goes on, or where it is impossible.
        """
        with self._lock:
            before = self._running.get(name)
            if before is not None:
                try:
                    before.wait(_SECONDS_TO_END)
                except subprocess.TimeoutExpired:
                    raise AssistantError(
                        "One is under way already: wait for it, or stop it first."
                    ) from None
                self._collect()
            self._running[name] = begin(*arguments, log=_log(name))

    def ended(self) -> list[Ended]:
        """Those that have ended since this was asked last."""
        with self._lock:
            self._collect()
            found, self._untold = self._untold, []
        return found

    def _collect(self) -> None:
        """Note what became of those that have ended, before their log is another's."""
        for name, process in list(self._running.items()):
            if process.poll() is not None:
                del self._running[name]
                well = process.returncode in (0, -signal.SIGTERM)
                problem = "" if well else last_words(_log(name)) or "it failed"
                self._untold.append(Ended(name, problem))


def end(process: int) -> None:
    """End a process, whose answers are on the disk; one that has ended is let be."""
    try:
        os.kill(process, signal.SIGTERM)
    except ProcessLookupError:
        pass
    except OSError as error:
        raise AssistantError(f"It cannot be stopped: {error.strerror}") from error


def _log(name: str) -> Path:
    return log_dir() / f"{name}.log"
