"""Finding the model server, or starting one."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from assistant import __version__, paths
from assistant.client.health import Health, NoAnswer, ask_health
from assistant.client.record import FRONT_END_VARIABLE, ModelChoice, ServerRecord, read_record
from assistant.errors import ServerError

# -P: `-m` would otherwise put the current folder first on Python's path, and an editor's current
# folder is the user's project: a folder `assistant` in it would be run.
SERVE_COMMAND = (sys.executable, "-P", "-m", "assistant", "serve")
PATIENCE_SECONDS = 60.0
"""How long nothing at all may move before the server is given up."""
_LOG_LIMIT_BYTES = 1_000_000
_LOOK_SECONDS = (0.02, 0.1)
"""How soon to look again: at first, and at most."""

Progress = Callable[[str], None]


class Finder:
    """Finds the server that holds one model, and starts or replaces it where that is needed.

    A server that a front end started and that holds another model (or is of another version) is
    ended as soon as it is idle, and started anew: a change in the settings just works. One that
    the user started by hand is left alone, and the difference is an error that names both.
    """

    def __init__(
        self, choice: ModelChoice, idle_minutes: float, command: Sequence[str] = SERVE_COMMAND
    ) -> None:
        """`command` starts a server; the choice reaches it through its environment."""
        self._choice = choice
        self._command = (*command, "--idle-minutes", f"{idle_minutes:g}")
        self._child: _Child | None = None

    async def find(self, report: Progress) -> ServerRecord:
        """The server, with its model loaded. `report` gets a line whenever something changes.

        Raises ServerError, in the server's own words where it failed.
        """
        patience = _Patience(report)
        while True:
            record = read_record()
            health = await self._ask(record, patience)
            if record is not None and health is not None:
                if self._is_ready(record, health, patience):
                    self._child = None
                    return record
            elif self._child is None or self._child.ended():
                self._start(patience)
            await patience.pause()

    async def _ask(self, record: ServerRecord | None, patience: "_Patience") -> Health | None:
        while record is not None:
            try:
                return await asyncio.to_thread(ask_health, record)
            except NoAnswer:
                patience.check(f"the model server (process {record.pid}) does not answer: end it")
        return None

    def _is_ready(self, record: ServerRecord, health: Health, patience: "_Patience") -> bool:
        if not self._fits(record):
            self._replace(record, health, patience)
            return False
        if health.status == "failed":
            self._child = None
            raise ServerError(health.detail)
        if health.status in ("loading", "ending"):
            patience.moved(health.detail)
            return False
        return True

    def _fits(self, record: ServerRecord) -> bool:
        if record.by_front_end:
            return record.choice == self._choice and record.version == __version__
        if record.choice == self._choice:
            return True
        raise ServerError(
            f"the model server that you started (process {record.pid}) serves"
            f" {_described(record.choice)}, but {_described(self._choice)} is asked for: end that"
            " server, or ask for its model in the settings"
        )

    def _replace(self, record: ServerRecord, health: Health, patience: "_Patience") -> None:
        other = _described(record.choice)
        if health.running:
            patience.moved(f"waiting for the model server to finish with {other}")
            return
        patience.report(f"ending the model server that holds {other}")
        try:
            os.kill(record.pid, signal.SIGTERM)
        except ProcessLookupError:
            return

    def _start(self, patience: "_Patience") -> None:
        if self._child is not None and self._child.failed():
            reason = self._child.last_words()
            self._child = None
            raise ServerError(reason)
        patience.report("starting the model server")
        self._child = _Child(self._command, self._choice)


def _described(choice: ModelChoice) -> str:
    extras = [f"the adapter {choice.adapter}"] if choice.adapter else []
    extras += [f"quantization {choice.quantization}"] if choice.quantization != "none" else []
    extras += [f"the draft model {choice.draft_model}"] if choice.draft_model else []
    extras += [f"device {choice.device}"] if choice.device != "auto" else []
    return " with ".join([choice.model, " and ".join(extras)] if extras else [choice.model])


class _Patience:
    """Waits, reports what changes, and gives up when nothing has moved for too long."""

    def __init__(self, report: Progress) -> None:
        self._report = report
        self._reported = ""
        self._since = time.monotonic()
        self._pause = _LOOK_SECONDS[0]

    def report(self, line: str) -> None:
        """Tell of a step, once."""
        if line != self._reported:
            self._reported = line
            self._since = time.monotonic()
            self._report(line)

    def moved(self, line: str) -> None:
        """Something is alive: a server that answers may take as long as it needs."""
        self.report(line)
        self._since = time.monotonic()

    def check(self, otherwise: str) -> None:
        """Raise ServerError with `otherwise` when nothing has moved for too long."""
        if time.monotonic() - self._since > PATIENCE_SECONDS:
            raise ServerError(otherwise)

    async def pause(self) -> None:
        """Wait a little, and longer each time. Raises ServerError when it has been too long."""
        self.check(
            f"the model server did not start within {PATIENCE_SECONDS:.0f} seconds:"
            f" see {_log_file()}, or run `assistant serve`"
        )
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 1.5, _LOOK_SECONDS[1])


class _Child:
    """A server process that was started here and goes on without us."""

    def __init__(self, command: Sequence[str], choice: ModelChoice) -> None:
        log = _log_file()
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log_begin = log.stat().st_size if log.exists() else 0
        if self._log_begin > _LOG_LIMIT_BYTES:
            log.unlink()
            self._log_begin = 0
        environment = {**os.environ, **choice.environment(), FRONT_END_VARIABLE: "1"}
        with log.open("ab") as stderr:
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    env=environment,
                    start_new_session=True,
                )
            except OSError as error:
                raise ServerError(f"the model server cannot be started: {error}") from error
        # A process that has ended keeps its number until somebody has asked after it; without
        # this, a dead server would look alive to every front end.
        threading.Thread(target=self._process.wait, name="server's end", daemon=True).start()

    def ended(self) -> bool:
        return self._process.poll() is not None

    def failed(self) -> bool:
        """Whether it ended otherwise than in good order, as the loser of two that start does."""
        return self._process.poll() not in (None, 0)

    def last_words(self) -> str:
        """Why it ended, as far as that can be told: the last line of its log."""
        code = self._process.poll() or 0
        if code == -signal.SIGKILL:
            return (
                "the model server was killed, as the system does when memory runs out: choose a"
                " smaller model, or quantization int4"
            )
        try:
            with _log_file().open("rb") as log:
                log.seek(self._log_begin)
                lines = log.read().decode(errors="replace").split("\n")
        except OSError:
            lines = []
        said = [line.strip() for line in lines if line.strip()]
        if said:
            return said[-1].removeprefix("assistant: ")
        return f"the model server ended with code {code}: run `assistant serve` to see why"


def _log_file() -> Path:
    return paths.log_dir() / "server.log"
