"""How far a training run is: one line of progress, or one of words."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant_finetune.training.metrics import Measured

_GIGA = 1e9


class TrainingBar:
    """A bar with losses, speed, memory and time left.

    Nothing is shown where standard error is no terminal.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[told]}"),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=None, told="")
        self._held_out = ""

    def __enter__(self) -> "TrainingBar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, what: str) -> None:
        """Show what is being done."""
        self._bar.update(self._task, description=what)

    def measured(self, one: "Measured") -> None:
        """Show how far it is."""
        if one.held_out_loss is not None:
            self._held_out = f", {one.held_out_loss:.3f} on what is held out"
        if one.loss is not None:
            told = in_words(one) + self._held_out
            self._bar.update(self._task, completed=one.step, total=one.steps, told=told)


def in_words(one: "Measured") -> str:
    """A measurement as people read it, on one line."""
    told = [f"step {one.step}/{one.steps}"]
    if one.loss is not None:
        told.append(f"loss {one.loss:.3f}")
    if one.held_out_loss is not None:
        told.append(f"loss on what is held out {one.held_out_loss:.3f}")
    if one.learned_per_second is not None:
        told.append(f"{one.learned_per_second:,.0f} tokens/s learned")
    if one.memory_bytes is not None:
        told.append(f"{one.memory_bytes / _GIGA:.1f} GB")
    if one.seconds_left is not None:
        told.append(f"{_time(one.seconds_left)} left")
    return ", ".join(told)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
    )
