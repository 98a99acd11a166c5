"""Why a score looks wrong, as `assistant eval diagnose --json` tells it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant.paths import state_dir


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, with its evidence."""

    cause: str
    predicted: str
    seen: str


@dataclass(frozen=True, slots=True)
class Check:
    """What became of a check."""

    name: str
    state: str
    """`passed`, `found` or `not run`."""
    seen: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was told."""

    model: str
    time: datetime
    cause: str | None
    """None where nothing is wrong."""
    verdict: str
    remedy: str | None
    also: tuple[str, ...]
    checks: tuple[Check, ...]

    def in_state(self, state: str) -> Iterator[Check]:
        """The checks of which this became."""
        return (check for check in self.checks if check.state == state)


def diagnosis_file() -> Path:
    """Where the last diagnosis is kept."""
    return state_dir() / "diagnosis.json"


def read_diagnosis() -> Diagnosis | None:
    """The last diagnosis; None where there is none that can be read."""
    file = diagnosis_file()
    try:
        time = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        return _read(json.loads(file.read_text(encoding="utf-8")), time)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _read(found: Mapping[str, Any], time: datetime) -> Diagnosis:
    verdict = found["verdict"]
    return Diagnosis(
        found["model"],
        time,
        verdict["cause"],
        verdict["line"],
        verdict["remedy"],
        tuple(verdict["also"]),
        tuple(_check(one) for one in found["outcomes"]),
    )


def _check(one: Mapping[str, Any]) -> Check:
    findings = tuple(
        Finding(found["cause"], found["predicted"], found["seen"]) for found in one["findings"]
    )
    return Check(one["check"], one["state"], one["seen"], findings)
