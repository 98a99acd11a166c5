"""A run that is under way in another process, followed by what it writes into its folder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Literal

from assistant_finetune.training.metrics import Measured, read_line
from assistant_finetune.training.run_folder import METRICS_FILE, RunFolder

End = Literal["done", "interrupted"]


@dataclass(frozen=True, slots=True)
class Look:
    """What was new when the run was looked at."""

    measured: tuple[Measured, ...]
    """Where the run has gone on from a checkpoint, steps may come a second time."""
    end: End | None
    """Whether there will be no more."""


def follow(run: RunFolder, wait: Callable[[], object]) -> Iterator[Look]:
    """Look at a run, and again after each `wait`, until it has ended or was interrupted.

    The first look finds all that was measured so far. Raises UsageError where there is no such run.
    """
    run.settings()
    known: list[str] = []
    while True:
        # First whether it has ended: what was written before that is then read in any case.
        end = _end(run)
        lines = _whole_lines(run.path / METRICS_FILE)
        same = takewhile(lambda pair: pair[0] == pair[1], zip(known, lines, strict=False))
        found = [read_line(line) for line in lines[len(list(same)) :]]
        known = lines
        yield Look(tuple(one for one in found if one is not None), end)
        if end is not None:
            return
        wait()


def _end(run: RunFolder) -> End | None:
    if run.result is not None:
        return "done"
    return None if run.is_under_way else "interrupted"


def _whole_lines(file: Path) -> list[str]:
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return []
    return text[: text.rfind("\n") + 1].splitlines()
