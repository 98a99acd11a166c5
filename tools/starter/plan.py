"""When training ends: a small file in the run folder that is read again at every step.

The learning rate rises, stays constant, and from `cooldown_from` on falls in a line to zero at
`steps`. While both are null training goes on for ever, and every checkpoint of that time is a good
start for a cool-down of any length. Edit the file, or start `train` with the options, at any time.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

WARM_UP = 60


@dataclass(frozen=True)
class Plan:
    """The schedule, and the shape of the batches."""

    steps: int | None = None
    cooldown_from: int | None = None
    rows: int = 16
    window: int = 512

    def factor(self, step: int) -> float:
        """What the learning rates are multiplied with."""
        rising = min(1.0, (step + 1) / WARM_UP)
        if self.steps is None or self.cooldown_from is None or step < self.cooldown_from:
            return rising
        return rising * max(0.0, (self.steps - step) / max(1, self.steps - self.cooldown_from))


def read(run: Path) -> Plan:
    """The plan as it stands now."""
    path = run / "plan.json"
    return Plan(**json.loads(path.read_text())) if path.exists() else Plan()


def write(run: Path, plan: Plan) -> None:
    """Replace the plan, in one step."""
    part = run / "plan.json.part"
    part.write_text(json.dumps(asdict(plan)) + "\n")
    part.replace(run / "plan.json")
