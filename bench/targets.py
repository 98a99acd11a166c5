"""What a benchmark's value must be, and whether it is."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict


class Verdict(TypedDict):
    """A value beside its target, as benchmarks print it."""

    value: float
    target: float
    holds: bool


@dataclass(frozen=True, slots=True)
class Target:
    """What a value must be: at least so much, or at most."""

    value: float
    at_most: bool = False

    def holds(self, value: float) -> bool:
        """Whether `value` is as good."""
        return value <= self.value if self.at_most else value >= self.value


def verdict(value: float, target: Target) -> Verdict:
    """The value, its target and whether it holds; what is shown is rounded, what holds is not."""
    return {"value": round(value, 3), "target": target.value, "holds": target.holds(value)}


def show_verdicts(verdicts: Mapping[str, Verdict]) -> None:
    """A line for each, for people."""
    for name, one in verdicts.items():
        missed = "" if one["holds"] else "  MISSED"
        print(f"{name:24}{one['value']:10.2f} of {one['target']}{missed}")


def report(result: Mapping[str, Any], show: Callable[[Any], object], *, as_json: bool) -> int:
    """Print a benchmark's result, whose `ratios` are verdicts; the exit code, 1 for a miss."""
    if as_json:
        print(json.dumps(result))
    else:
        show(result)
    return 0 if all(one["holds"] for one in result["ratios"].values()) else 1
