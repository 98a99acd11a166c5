"""What `metrics.jsonl` and `plan.json` tell about a training."""

import hashlib
import json
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from safetensors import safe_open

from tools.starter import plan as plans

_START = "start.json"
WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Start:
    """Weights that a training began with."""

    step: int
    tokens: int
    sha256: str
    """Of their file."""

    @classmethod
    def of(cls, folder: Path) -> "Start":
        """The weights of an exported folder."""
        file = folder / WEIGHTS
        with safe_open(file, "pt") as weights:
            said = weights.metadata()
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        return cls(int(said["step"]), int(said["tokens"]), digest)

    @classmethod
    def read(cls, run: Path) -> "Start | None":
        """What a run began with, if not from scratch."""
        path = run / _START
        return cls(**json.loads(path.read_text())) if path.exists() else None

    def write(self, run: Path) -> None:
        """Note it in the run folder."""
        (run / _START).write_text(json.dumps(asdict(self)) + "\n")


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
    start: Start | None = None
    """The weights that it went on from, if it did."""


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
    cooldown = began if began and began < step else None
    return History(step, tokens, hours, cooldown, tuple(phases), Start.read(run))


def _entries(run: Path, step: int) -> list[dict[str, Any]]:
    """One entry for each logged step; of steps that a resumed training did again, the last one."""
    found: dict[int, dict[str, Any]] = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if "tokens" in entry and entry["step"] <= step:
            found[entry["step"]] = entry
    return [found[number] for number in sorted(found)]
