"""The assistant's own commands, run as the user would run them in another terminal.

Those that work for long are begun in a session of their own, and go on when this process ends.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any

from assistant.errors import AssistantError

COMMAND = (sys.executable, "-P", "-m", "assistant")
_ENVIRONMENT = {"NO_COLOR": "1", "TYPER_USE_RICH": "0"}
"""Words as they are: no colours, and no frames around what is wrong."""
_PRIORITY = 10
"""Of what goes on by itself: a person who types comes first."""
_NAME = "assistant: "
"""Begins the line that says what was wrong."""
_LONGEST_LINE = 1 << 26


async def answer_of(*arguments: str) -> Any:
    """What a command tells with `--json`, which is added.

    Raises AssistantError with the command's own words when it fails. Whoever gives up waiting ends
    the command.
    """
    told, _ = await _finished(*arguments, "--json")
    return json.loads(told)


async def done(*arguments: str) -> str:
    """Run a command to its end; the last line that it says. Raises as `answer_of` does."""
    _, said = await _finished(*arguments)
    return _last_line(said.decode("utf-8", "replace"))


async def lines_of(*arguments: str) -> AsyncGenerator[Any, None]:
    """Each line that a command prints with `--json`, which is added, as soon as it is there.

    Errors are as with `answer_of`. Whoever takes no more lines is to close the iterator, which ends
    the command.
    """
    process = await _started(*arguments, "--json")
    assert process.stdout is not None and process.stderr is not None
    said = asyncio.create_task(process.stderr.read())
    try:
        async for line in process.stdout:
            yield json.loads(line)
        await process.wait()
    finally:
        await _end(process)
        words = await said
    _check(process, words, arguments)


def begin(*arguments: str, log: Path) -> "subprocess.Popen[bytes]":
    """Begin a command that outlives this process; what it prints goes to `log`, begun anew.

    Raises AssistantError where that cannot be done.
    """
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, **_ENVIRONMENT}
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as output:
            process = subprocess.Popen(
                (*COMMAND, *arguments),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        raise _cannot_begin(arguments, error) from error
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process.pid, _PRIORITY)
    # A process that has ended keeps its number until somebody has asked after it.
    threading.Thread(target=process.wait, name="end of a command", daemon=True).start()
    return process


def last_words(log: Path) -> str:
    """The last line that a command has printed into its log, or empty."""
    return _last_line(_text(log))


def failure_in(log: Path) -> str:
    """The error that a command has ended with, by its log, or empty."""
    text = _text(log)
    return _last_line(text) if text.strip().rpartition("\n")[2].startswith(_NAME) else ""


def _text(log: Path) -> str:
    try:
        return log.read_text("utf-8", "replace")
    except OSError:
        return ""


async def _finished(*arguments: str) -> tuple[bytes, bytes]:
    process = await _started(*arguments)
    try:
        told, said = await process.communicate()
    except asyncio.CancelledError:
        await _end(process)
        raise
    _check(process, said, arguments)
    return told, said


async def _started(*arguments: str) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=os.environ | _ENVIRONMENT,
            limit=_LONGEST_LINE,
        )
    except OSError as error:
        raise _cannot_begin(arguments, error) from error


def _cannot_begin(arguments: tuple[str, ...], error: OSError) -> AssistantError:
    return AssistantError(f"`assistant {arguments[0]}` cannot be begun: {error}")


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _check(process: Process, said: bytes, arguments: tuple[str, ...]) -> None:
    if process.returncode != 0:
        words = _last_line(said.decode("utf-8", "replace"))
        raise AssistantError(words or f"`assistant {arguments[0]}` failed")


def _last_line(text: str) -> str:
    """The line that says what was wrong, without the name that begins it in a terminal."""
    lines = text.strip().splitlines()
    return lines[-1].removeprefix(_NAME).removeprefix("Error: ") if lines else ""
