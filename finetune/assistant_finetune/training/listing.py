"""What there is to say of every run on this machine, without loading what it trained."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from assistant.errors import UsageError
from assistant_finetune.training.metrics import Measured, read_metrics
from assistant_finetune.training.run_folder import (
    METRICS_FILE,
    REPORT_FILE,
    SETTINGS_FILE,
    RunFolder,
    all_runs,
)
from assistant_finetune.training.settings import Settings

State = Literal["under way", "interrupted", "done"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run."""

    name: str
    adapter: str
    """What it trains is called so; the run itself may be that name's second one."""
    base: str
    """Empty where the settings cannot be read any more, as `data` is then."""
    data: tuple[str, ...]
    method: str | None
    state: State
    process: int | None
    """The process that trains it now."""
    step: int
    """0 before the first one."""
    steps: int | None
    """None until the data is counted."""
    loss: float | None
    held_out_loss: float | None
    seconds: float
    """Of training, without interruptions."""
    changed: datetime
    """When it gave its last sign of life."""
    folder: Path
    result: str | None
    """`adapter` or `model`, once it is done."""

    def as_fields(self) -> dict[str, Any]:
        """As JSON has it, with the files that it writes."""
        return {
            **asdict(self),
            "changed": self.changed.isoformat(timespec="seconds"),
            "folder": str(self.folder),
            "metrics": str(self.folder / METRICS_FILE),
            "report": str(self.folder / REPORT_FILE),
        }


def summaries() -> list[RunSummary]:
    """All runs of this machine, the one first that was changed last."""
    found = [summary_of(run) for run in all_runs()]
    return sorted(found, key=lambda one: one.changed, reverse=True)


def summary_of(run: RunFolder) -> RunSummary:
    """What there is to say of a run."""
    # First whether it goes on: what it wrote before it ended is then read in any case.
    process, under_way = run.process, run.is_under_way
    measured = read_metrics(run.path / METRICS_FILE)
    settings = _settings(run)
    state: State = "under way" if under_way else "interrupted"
    return RunSummary(
        name=run.name,
        adapter=(settings.name if settings else None) or run.name,
        base=settings.base if settings else "",
        data=settings.data if settings else (),
        method=settings.method if settings else None,
        state="done" if run.result is not None else state,
        process=process,
        step=measured[-1].step if measured else 0,
        steps=measured[-1].steps if measured else (settings.max_steps if settings else None),
        loss=_last([one.loss for one in measured]),
        held_out_loss=_last([one.held_out_loss for one in measured]),
        seconds=measured[-1].seconds if measured else 0.0,
        changed=_changed(run, measured),
        folder=run.path,
        result=run.result.name if run.result is not None else None,
    )


def _settings(run: RunFolder) -> Settings | None:
    try:
        return run.settings()
    except UsageError:
        return None


def _changed(run: RunFolder, measured: Sequence[Measured]) -> datetime:
    file = run.path / (METRICS_FILE if measured else SETTINGS_FILE)
    return datetime.fromtimestamp(file.stat().st_mtime, UTC)


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)
