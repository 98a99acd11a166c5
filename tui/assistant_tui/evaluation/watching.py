"""What a screen does to know of evaluations: has them listed, and looks how far they are."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import on, work
from textual.message import Message

from assistant.errors import AssistantError
from assistant_tui.command_line import answer_of
from assistant_tui.evaluation.diagnosis import Diagnosis, diagnosis_file, read_diagnosis
from assistant_tui.evaluation.jobs import Ended, Jobs
from assistant_tui.evaluation.runs import Run, answers_in, changed_since, read_runs
from assistant_tui.room import Room

_SECONDS = 1.0
"""Between two looks."""
_COARSE = 0.1
"""Seconds by which clocks of files may be behind."""


class WatchingScreen(Room):
    """Posts what it finds; while another screen is before it, it only looks after its own jobs."""

    EVALUATION: ClassVar[str] = "evaluation"
    DIAGNOSIS: ClassVar[str] = "diagnosis"

    class Listed(Message):
        """The evaluations that there are."""

        def __init__(self, runs: Sequence[Run]) -> None:
            super().__init__()
            self.runs = runs

    class Stale(Message):
        """The list is to be made again."""

    class Counted(Message):
        """How many answers those that are not whole have by now."""

        def __init__(self, answered: Mapping[str, int]) -> None:
            super().__init__()
            self.answered = answered

    class Diagnosed(Message):
        """What was found wrong with a model, last."""

        def __init__(self, found: Diagnosis) -> None:
            super().__init__()
            self.found = found

    class JobEnded(Message):
        """Something that was started here has ended."""

        def __init__(self, job: Ended) -> None:
            super().__init__()
            self.job = job

    class Trouble(Message):
        """Something went wrong in a worker."""

        def __init__(self, problem: str) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self) -> None:
        super().__init__()
        self.runs: Sequence[Run] = ()
        self.jobs = Jobs()
        self._listing = False
        self._stale = False
        """Whether something has changed since the list was begun that is being made."""
        self._listed_at = 0.0
        """When the last list was begun."""
        self._looking = False
        self._diagnosed = 0.0
        """When the last diagnosis was written that was read."""

    @property
    def is_starting(self) -> bool:
        """Whether an evaluation was started here that no folder is there of yet."""
        under_way = any(run.state == "under way" for run in self.runs)
        return self.EVALUATION in self.jobs.names and not under_way

    def on_mount(self) -> None:
        """Look from now on."""
        self.set_interval(_SECONDS, self._tick)

    def on_screen_resume(self) -> None:
        """List what has come meanwhile."""
        self.look()

    @on(Stale)
    def look(self) -> None:
        """List the evaluations, again where that is being done already."""
        self._stale = self._listing
        if not self._listing:
            self._listing = True
            self._listed_at = time.time()
            self._list()

    @work(group="listing")
    async def _list(self) -> None:
        try:
            self.post_message(self.Listed(read_runs(await answer_of("eval", "list"))))
        except AssistantError as error:
            self.post_message(self.Trouble(str(error)))
        finally:
            self._listing = False
        if self._stale:
            self.look()

    def _tick(self) -> None:
        if not self._looking:
            self._looking = True
            self._look_after(self.is_current)

    @work(thread=True, group="watching")
    def _look_after(self, shown: bool) -> None:
        try:
            for job in self.jobs.ended():
                self.post_message(self.JobEnded(job))
            if shown:
                self._count()
                self._read_diagnosis()
        finally:
            self._looking = False

    def _count(self) -> None:
        runs, since = self.runs, self._listed_at - _COARSE
        counted = {run.name: answers_in(run.path) for run in runs if not run.is_whole}
        if changed_since(since) or any(_has_ended(run) for run in runs):
            self.post_message(self.Stale())
        elif counted:
            self.post_message(self.Counted(counted))

    def _read_diagnosis(self) -> None:
        try:
            written = diagnosis_file().stat().st_mtime
        except OSError:
            return
        if written != self._diagnosed and (found := read_diagnosis()) is not None:
            self._diagnosed = written
            self.post_message(self.Diagnosed(found))

    @work(thread=True, group="doing")
    def do(self, what: Callable[[], object]) -> None:
        """Do something that may block or fail, and look again."""
        try:
            what()
        except AssistantError as error:
            self.post_message(self.Trouble(str(error)))
        self.post_message(self.Stale())


def _has_ended(run: Run) -> bool:
    """Whether the process is gone that the list says is at it."""
    if run.process is None:
        return False
    try:
        os.kill(run.process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
