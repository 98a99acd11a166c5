"""A training run of another terminal, looked on at."""

import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

from assistant.cli.training_bar import TrainingBar, in_words

if TYPE_CHECKING:
    from assistant_finetune.training.metrics import Measured

_SECONDS = 0.5
"""Between two looks."""


def watch_run(name: str, as_json: bool) -> None:
    """Show how far a run is until it ends: the newest one, where `name` is an adapter's.

    A terminal gets a bar, anything else a line for each measurement, of JSON with `as_json`. Raises
    UsageError where there is no such run, and AssistantError when it was interrupted.
    """
    from assistant.errors import AssistantError
    from assistant_finetune.training.following import follow
    from assistant_finetune.training.run_folder import last_run

    run = last_run(name)
    steps, end = "before its first step", None
    in_lines = as_json or not sys.stdout.isatty()
    with nullcontext(_Lines(as_json)) if in_lines else TrainingBar() as shown:
        shown.say(f"{run.name}: reading data or loading the base")
        for look in follow(run, lambda: time.sleep(_SECONDS)):
            for one in look.measured:
                steps = f"at step {one.step} of {one.steps}"
                shown.say(run.name)
                shown.measured(one)
            end = look.end
    if end == "interrupted":
        raise AssistantError(
            f"{run.name} was interrupted {steps}: `assistant finetune --resume {run.name}` goes on"
        )
    typer.echo(f"{run.name} has come to its end {steps}: {run.result}", err=True)


class _Lines:
    """A line for each measurement."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def say(self, what: str) -> None:
        """Nothing: lines say what was measured."""

    def measured(self, one: "Measured") -> None:
        """Print it."""
        from assistant_finetune.training.metrics import as_line

        typer.echo(as_line(one).rstrip() if self._as_json else in_words(one))
