"""What a user should hear of training runs, wherever in the app: each thing once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from assistant_tui.training.following import Seen
from assistant_tui.training.runs import Run

_OFFERED = timedelta(days=14)
"""A run that was interrupted longer ago is not offered any more."""


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell."""

    text: str
    severity: Literal["information", "warning"] = "information"


def between(before: Seen | None, seen: Seen, stopped: Collection[str]) -> list[News]:
    """What is to be told of how runs stand, once it was otherwise, or at the start."""
    if before is not None:
        return since(before, seen, stopped)
    first = at_the_start(seen)
    return [first] if first is not None else []


def at_the_start(seen: Seen, now: datetime | None = None) -> News | None:
    """What was left of the last time: a run to look at, or to go on with."""
    under_way = [run for run in seen.runs if run.state == "under way"]
    if under_way:
        return News(f"{under_way[0].name} is being trained: F7 shows it")
    since = (now or datetime.now(UTC)) - _OFFERED
    left = [run for run in seen.runs if run.state == "interrupted" and run.changed > since]
    if not left:
        return None
    return News(f"The training of {left[0].name} was interrupted {_place(left[0])}: F7", "warning")


def since(before: Seen, seen: Seen, stopped: Collection[str]) -> list[News]:
    """What has come of the runs that were under way, but for those that the user `stopped`."""
    ended = [run.name for run in before.runs if run.state == "under way"]
    now = [run for name in ended if (run := seen.run(name)) is not None]
    told = [_end_of(run, seen.reasons.get(run.name, "")) for run in now if run.name not in stopped]
    return [one for one in told if one is not None]


def _end_of(run: Run, reason: str) -> News | None:
    if run.state == "done":
        return News(f"{run.name} is trained: F7 shows it")
    if run.state == "under way":
        return None
    text = f"The training of {run.name} broke off {_place(run)}"
    return News(f"{text}: {reason or 'F7 goes on with it'}", "warning")


def _place(run: Run) -> str:
    return f"at step {run.step}" if run.step else "before its first step"
