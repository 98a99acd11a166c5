"""Servers as real processes, which end with the test."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from pathlib import Path

from assistant.client import ModelClient
from assistant.client.record import read_record
from assistant.config import Settings

ROOT = Path(__file__).parents[2]
SCRIPTED = (sys.executable, "-m", "tests.server.scripted_server")


@contextmanager
def server_process(
    *options: str, environment: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """A scripted server that was started by hand; what it announces is its standard output."""
    process = subprocess.Popen(
        [*SCRIPTED, *options],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def next_line(process: "subprocess.Popen[str]") -> str:
    """What the process announces next; waits for it."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def lines_until(process: "subprocess.Popen[str]", word: str) -> list[str]:
    """What the process announces, up to the line that begins with `word`."""
    lines = [next_line(process)]
    while lines[-1] and not lines[-1].startswith(word):
        lines.append(next_line(process))
    return lines


async def start_recorded_server() -> None:
    """Have a server run that front ends find, with its model loaded, however long that takes."""
    async with aclosing(ModelClient(Settings())) as client:
        await client.ready()


def end_recorded_server() -> None:
    """End the server that front ends would find, if there is one."""
    record = read_record()
    if record is not None and record.pid != os.getpid():
        try:
            os.kill(record.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
