"""How far an evaluation is: one line of progress."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def resumable() -> Iterator[None]:
    """Say of what is interrupted here that it can be gone on with."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("interrupted: the same command goes on from here", err=True)
        raise


class AnsweringBar:
    """A bar with the answers so far, their speed and the time left.

    Nothing but remarks is shown where standard error is no terminal.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        from assistant_eval.listening import Listener

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=None, pace="")
        self.listener: Listener = Listener(
            self._say, self._answered, lambda line: typer.echo(line, err=True)
        )
        """Who tells it."""

    def __enter__(self) -> "AnsweringBar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _say(self, what: str) -> None:
        self._bar.update(self._task, description=what)

    def _answered(self, done: int, count: int) -> None:
        task = self._bar.tasks[0]
        if task.total is None:
            # What was answered before this process began is no measure of its speed.
            self._bar.reset(self._task, total=count, completed=done)
        else:
            self._bar.update(self._task, completed=done)
        pace = f"{task.speed:.1f}/s" if task.speed else ""
        self._bar.update(self._task, pace=pace)
