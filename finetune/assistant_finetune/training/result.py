"""What a run that came to its end leaves: an adapter or a model where it is found, and a report."""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import paths
from assistant.registry import LocalModel
from assistant_finetune.adapters.installed import drop_old_runs
from assistant_finetune.adapters.versions import install
from assistant_finetune.training.metrics import read_metrics
from assistant_finetune.training.naming import base_name
from assistant_finetune.training.prepare import Prepared
from assistant_finetune.training.report import write_report
from assistant_finetune.training.run_folder import (
    ADAPTER,
    METRICS_FILE,
    MODEL,
    REPORT_FILE,
    RunFolder,
)
from assistant_finetune.training.settings import Settings

if TYPE_CHECKING:
    from assistant.engine.trained_for import TrainedFor


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    run: Path
    result: Path
    """The adapter, where servers find it, or the model."""
    name: str
    first_loss: float | None
    """On what is held out, when it was measured first."""
    best_loss: float | None
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Best:
    """What is kept of a run."""

    step: int
    alpha: int | None = None
    """The adapter's alpha, if it is another than it was trained with."""


def keep_result(
    run: RunFolder,
    local: LocalModel,
    prepared: Prepared,
    facts: "TrainedFor",
    quantization: str,
    best: Best,
) -> Path:
    """Keep what came of the run where it is found, and report it."""
    from assistant.engine.trained_for import write_note

    settings, checkpoint = run.settings(), run.checkpoints.at(best.step)
    _report(run, facts, prepared, quantization, best)
    if settings.method == "full":
        return _keep_model(run, checkpoint, local)
    unfinished = _adapter_of(checkpoint, run, local, settings, best.alpha)
    write_note(
        unfinished,
        facts,
        quantization=quantization,
        data_sha256=prepared.sha256,
        examples=prepared.examples,
        step=best.step,
        method=settings.method,
        run=run.name,
        data=[_place(source) for source in settings.data],
        held_out=settings.held_out,
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    result = install(unfinished, settings.name or run.name)
    os.replace(unfinished, run.path / ADAPTER)  # last: by this a run has come to its end
    drop_old_runs(result.name)
    return result


def _place(source: str) -> str:
    """A source of data as it is found from everywhere, if it is a file or folder."""
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else source


def outcome_of(run: RunFolder, result: Path) -> Outcome:
    """What is told of a run whose result is kept."""
    measured, losses = read_metrics(run.path / METRICS_FILE), _held_out_losses(run)
    return Outcome(
        run=run.path,
        result=result,
        name=run.settings().name or run.name,
        first_loss=losses[0] if losses else None,
        best_loss=min(losses) if losses else None,
        steps=measured[-1].step if measured else 0,
        seconds=measured[-1].seconds if measured else 0.0,
    )


def _report(
    run: RunFolder, facts: "TrainedFor", prepared: Prepared, quantization: str, best: Best
) -> None:
    settings = run.settings()
    tables: dict[str, dict[str, object]] = {
        "Result": {"adapter": settings.name, "best step": best.step, **_losses(run)},
        "Data": {
            "sources": settings.data,
            "fingerprint": prepared.sha256,
            "examples": prepared.examples,
            "tokens": prepared.tokens,
            "learned tokens": prepared.learned,
        },
        "Base": {
            "name": facts.base,
            "fingerprint": facts.base_fingerprint,
            "weights": quantization,
            "chat format": facts.chat_format,
            "chat format's fingerprint": facts.format_fingerprint,
        },
        "Settings": dict(settings.model_dump()),
    }
    measured = read_metrics(run.path / METRICS_FILE)
    write_report(run.path / REPORT_FILE, f"{run.name}: a training run", measured, tables)


def _losses(run: RunFolder) -> dict[str, object]:
    found = _held_out_losses(run)
    if not found:
        return {}
    return {"held-out loss at first": found[0], "held-out loss at best": min(found)}


def _held_out_losses(run: RunFolder) -> list[float]:
    measured = read_metrics(run.path / METRICS_FILE)
    return [one.held_out_loss for one in measured if one.held_out_loss is not None]


def _adapter_of(
    checkpoint: Path, run: RunFolder, local: LocalModel, settings: Settings, alpha: int | None
) -> Path:
    """The adapter of a checkpoint in a new folder of the run, which names its base as users do."""
    unfinished = run.path / f".{ADAPTER}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    shutil.copy2(checkpoint / "adapter_model.safetensors", unfinished)
    config = json.loads((checkpoint / "adapter_config.json").read_text("utf-8"))
    config["base_model_name_or_path"] = base_name(settings, local)
    config["inference_mode"] = True
    config["lora_alpha"] = alpha or config["lora_alpha"]
    config["target_modules"] = sorted(config["target_modules"])  # which the library keeps as a set
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    paths.write_atomically(unfinished / "adapter_config.json", text)
    return unfinished


def _keep_model(run: RunFolder, checkpoint: Path, local: LocalModel) -> Path:
    """The model of a checkpoint in bfloat16, with its tokenizer and its notes."""
    from assistant_finetune.training.whole_model import save_whole

    return save_whole(checkpoint, local, run.path / MODEL)
