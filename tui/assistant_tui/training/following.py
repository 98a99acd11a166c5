"""All training runs, followed for as long as the app lives: found at its start, and never lost.

The command line is asked only when a run has come, gone or changed its state, which its folder
shows; what it measures is read from its file.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from assistant.errors import AssistantError
from assistant.paths import runs_dir
from assistant_tui.command_line import failure_in
from assistant_tui.training.runs import Measured, Measurements, Run, all_runs

_SECONDS = 0.5
"""Between two looks."""
_PATIENCE = 10.0
"""Seconds until a command that failed is asked again."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How all runs stand."""

    runs: tuple[Run, ...] = ()
    measured: Mapping[str, tuple[Measured, ...]] = field(default_factory=dict)
    """Of the runs that are under way or shown, by their names."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why runs were interrupted, for those whose process has said so."""
    problem: str = ""
    """Why runs cannot be listed."""

    def run(self, name: str) -> Run | None:
        """The run of that name."""
        return next((run for run in self.runs if run.name == name), None)


class Following:
    """Looks again and again, in the event loop, with everything that waits outside of it."""

    def __init__(self, on_seen: Callable[[Seen], object]) -> None:
        """`on_seen` is told whenever something is otherwise than it was, and once at first."""
        self._on_seen = on_seen
        self._seen: Seen | None = None
        self._folders: tuple[tuple[str, int], ...] | None = None
        self._reasons: dict[str, str] = {}
        self._files: dict[str, Measurements] = {}
        self._shown = ""
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._follow())

    async def aclose(self) -> None:
        """Follow no longer; the runs go on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def show(self, name: str) -> None:
        """Read what one run has measured, too, though it may have ended."""
        self._shown = name
        self._hurry.set()

    def ask_again(self) -> None:
        """Ask the command now."""
        self._folders = None
        self._hurry.set()

    async def _follow(self) -> None:
        while True:
            seen = await self._look()
            if seen != self._seen:
                self._seen = seen
                self._on_seen(seen)
            # Not wait_for: in Python 3.11 it loses being cancelled once what it waits for is there.
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE if seen.problem else _SECONDS):
                    await self._hurry.wait()
            self._hurry.clear()

    async def _look(self) -> Seen:
        runs = self._seen.runs if self._seen is not None else ()
        folders = await asyncio.to_thread(_folders)
        if folders != self._folders or any(map(_has_ended, runs)):
            self._folders = folders
            try:
                runs = await all_runs() if folders else ()
                self._reasons = await asyncio.to_thread(_reasons, runs)
            except AssistantError as error:
                self._folders = None
                return Seen(runs, problem=str(error))
        return Seen(runs, await asyncio.to_thread(self._measure, runs), self._reasons)

    def _measure(self, runs: tuple[Run, ...]) -> dict[str, tuple[Measured, ...]]:
        followed = [run for run in runs if run.state == "under way" or run.name == self._shown]
        self._files = {
            run.name: self._files.get(run.name) or Measurements(run.metrics) for run in followed
        }
        found = dict[str, tuple[Measured, ...]]()
        for name, file in self._files.items():
            with suppress(OSError):
                found[name] = file.look()
        return found


def _folders() -> tuple[tuple[str, int], ...]:
    """The folder of each run and when it was changed: by that runs come, begin, end and go."""
    found = list[tuple[str, int]]()
    with suppress(OSError):
        for folder in sorted(runs_dir().iterdir()):
            with suppress(OSError):
                found.append((folder.name, folder.stat().st_mtime_ns))
    return tuple(found)


def _reasons(runs: tuple[Run, ...]) -> dict[str, str]:
    found = {run.name: failure_in(run.log) for run in runs if run.state == "interrupted"}
    return {name: reason for name, reason in found.items() if reason}


def _has_ended(run: Run) -> bool:
    """Whether a run that was under way is so no longer, as far as that can be told from outside."""
    if run.state != "under way":
        return False
    return run.process is None or not psutil.pid_exists(run.process)
