"""Programs that nobody has read, run where they can do no harm.

bubblewrap gives a program a machine of its own: no network, no files but Python's, which cannot be
written, no other processes, no environment. The kernel's limits do the rest: processor time,
memory, processes, files. A judge runs beside it; see `inside.judge`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

from assistant.errors import AssistantError, UsageError
from assistant_eval.code.closed_calls import closed_calls
from assistant_eval.code.tasks import Task
from assistant_eval.code.walls import command

Kind = Literal["passed", "wrong", "error", "time", "ended", "lost"]
_PATIENCE = 4
"""Seconds on the clock for each of processor time: a program that waits uses none."""
_GRACE = 15
"""Seconds more until the judge itself is ended."""
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a program may use."""

    seconds: int = 3
    """Of processor time for each of its processes; on the clock four times as many in all."""
    memory_bytes: int = 512 << 20
    """Of address space for each of its processes."""
    processes: int = 8
    """Processes and threads at once, with the judge."""
    file_bytes: int = 16 << 20
    """Of all its files together, which are gone when it ends."""

    def __post_init__(self) -> None:
        problems = [f"{name} must be positive" for name, value in asdict(self).items() if value < 1]
        if problems:
            raise UsageError("; ".join(problems))

    @property
    def wall_seconds(self) -> int:
        """Seconds on the clock for a program with its tests."""
        return _PATIENCE * self.seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a program."""

    kind: Kind
    """`passed`: the tests ran to their end. `wrong`: one did not hold. `error`: something was
    raised. `time`, `ended`: it took too long, or its process ended. `lost`: the judge ended."""
    told: str = ""
    """The test that did not hold, or what was raised."""

    @property
    def passed(self) -> bool:
        """Whether the program is right."""
        return self.kind == "passed"


class Sandbox:
    """Runs programs, each in a sandbox of its own. Safe to use from several threads."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Raises AssistantError, which says what to do, where no sandbox can be made."""
        self.limits = limits or Limits()
        self._bwrap = _bubblewrap()
        self._filter = closed_calls()
        self._check()

    def run(self, task: Task, program: str) -> Verdict:
        """Put a program to the tests of a task."""
        limits = self.limits
        job = {
            "program": program,
            "entry_point": task.entry_point,
            "solution": task.solution,
            "test": task.test,
            "limits": asdict(limits),
            "wall_seconds": limits.wall_seconds,
        }
        data = json.dumps(job).encode()
        with self._files() as (filter_from, lifeline):
            try:
                done = subprocess.run(
                    command(self._bwrap, limits.file_bytes, filter_from, lifeline),
                    input=len(data).to_bytes(8, "big") + data,
                    capture_output=True,
                    timeout=limits.wall_seconds + _GRACE,
                    pass_fds=(filter_from, lifeline),
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return Verdict("time")
        return _verdict(done)

    @contextmanager
    def _files(self) -> Iterator[tuple[int, int]]:
        """A file with the filter, and the end of a pipe that closes behind this."""
        filter_from = os.memfd_create("filter")
        lifeline, held = os.pipe()
        try:
            os.write(filter_from, self._filter)
            os.lseek(filter_from, 0, os.SEEK_SET)
            yield filter_from, lifeline
        finally:
            for descriptor in (held, lifeline, filter_from):
                os.close(descriptor)

    def _check(self) -> None:
        simple = Task(
            "simple", "def f():\n", "f", "    return 1\n", "def check(f): assert f() == 1"
        )
        verdict = self.run(simple, simple.solution)
        if not verdict.passed:
            raise AssistantError(
                f"the sandbox does not work here ({verdict.kind}: {verdict.told}): bubblewrap needs"
                " namespaces, which this system or the container around it may forbid"
            )


def _bubblewrap() -> str:
    if sys.platform != "linux":
        raise AssistantError("what a model writes is only run in a sandbox, and that takes Linux")
    found = shutil.which("bwrap")
    if found is None:
        raise AssistantError(
            "what a model writes is only run in a sandbox: install bubblewrap (Debian, Ubuntu: apt"
            " install bubblewrap; Fedora: dnf install bubblewrap)"
        )
    return found


def _verdict(done: "subprocess.CompletedProcess[bytes]") -> Verdict:
    """What the judge said; nobody else can write where it does."""
    try:
        found: dict[str, Any] = json.loads(done.stdout[8:])
        # A program may raise what is no text, which no file could hold.
        told = found["told"].encode(errors="replace").decode()
        # Addresses are other ones each time, and a run has the same bytes.
        return Verdict(found["kind"], _ADDRESS.sub("0x…", told))
    except (ValueError, KeyError):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return Verdict("lost", said[-1] if said else f"the judge ended with {done.returncode}")
