"""What `metrics.jsonl` and `plan.json` tell about a training."""

import json
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tools.starter import plan as plans


@dataclass(frozen=True)
class History:
    """A training up to one checkpoint."""

    step: int
    tokens: int
    hours: float
    cooldown_from: int | None
    """Where the learning rate began to fall, if it did."""
    phases: tuple[tuple[int, int], ...]
    """Window lengths in order, each with the last step that had it."""


def read(run: Path, step: int) -> History:
    """The history of the checkpoint of `step`."""
    entries = _entries(run, step)
    phases = []
    for window, group in groupby(entries, key=lambda entry: int(entry["window"])):
        phases.append((window, int(list(group)[-1]["step"])))
    began = plans.read(run).cooldown_from
    tokens, hours = 0, 0.0
    for entry in entries:
        hours += (entry["tokens"] - tokens) / entry["tokens_per_second"] / 3600
        tokens = entry["tokens"]
    return History(step, tokens, hours, began if began and began < step else None, tuple(phases))


def _entries(run: Path, step: int) -> list[dict[str, Any]]:
    """One entry for each logged step; of steps that a resumed training did again, the last one."""
    found: dict[int, dict[str, Any]] = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if "tokens" in entry and entry["step"] <= step:
            found[entry["step"]] = entry
    return [found[number] for number in sorted(found)]
