"""One training run from its settings to an adapter that servers find by its name."""

import gc
import math
import os
import random
import re
import resource
import shutil
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant import paths
from assistant.errors import AssistantError, UsageError
from assistant.model_specs import ModelSpec
from assistant.plan.folders import spec_of
from assistant.plan.machine import Device, detect_machine
from assistant.registry import LocalModel, find_spec, locate
from assistant_finetune.adapters.installed import drop_old_runs
from assistant_finetune.adapters.versions import install
from assistant_finetune.fitting.choosing import Choice, check_fits, choose, what_would_fit
from assistant_finetune.quiet import quiet
from assistant_finetune.training import out_of_memory
from assistant_finetune.training.metrics import Measured, Metrics, read_metrics
from assistant_finetune.training.naming import base_name, free_name, trains_again
from assistant_finetune.training.prepare import EVALUATION_FILE, Prepared, prepare
from assistant_finetune.training.processes import first_does, others_fail_quietly, this_process
from assistant_finetune.training.report import write_report
from assistant_finetune.training.rows import read_rows
from assistant_finetune.training.run_folder import (
    ADAPTER,
    METRICS_FILE,
    MODEL,
    REPORT_FILE,
    RunFolder,
    last_run,
    next_run,
)
from assistant_finetune.training.settings import Settings

if TYPE_CHECKING:
    from assistant.engine.trained_for import TrainedFor

_EVALUATIONS = 10
"""So many times what is held out is measured, where nobody says how often."""
_MOST_HELD_OUT = 64
"""Rows that are held out and measured."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told how it goes."""

    say: Callable[[str], object] = lambda _: None
    """What is being done, in words."""
    measured: Callable[[Measured], object] = lambda _: None
    remark: Callable[[str], object] = lambda _: None
    """What the user should know, each one line."""


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


def plan(settings: Settings, device: str = "auto", processes: int = 1) -> tuple[Choice, ModelSpec]:
    """What a run would take, before anything is loaded; the base need not be on this machine.

    Raises ModelNotFoundError for a base that means nothing, and UsageError for a step whose rows
    the processes cannot share.
    """
    spec = _spec(settings.base)
    return choose(settings, spec, _device(device), processes), spec


def start(settings: Settings, listener: Listener, device: str = "auto") -> Outcome:
    """Begin a run and take it to its end, together with the other processes where there are some.

    Raises UsageError for settings that do not go together with the base, DataError for data that
    nothing can be learned from, and AssistantError where the memory is not there.
    """
    where = _device(device)
    name = first_does(lambda: _begin(settings, listener, device), where.kind)
    return _go_on(RunFolder(name), listener, where)


def resume(name: str, listener: Listener, device: str = "auto") -> Outcome:
    """Go on with a run that was interrupted, by its name or its adapter's.

    Raises UsageError where there is none, or it ended.
    """
    where, run = _device(device), last_run(name)

    def begin() -> str:
        if run.result is not None:
            raise UsageError(f"the run {name} has come to its end: its result is {run.result}")
        settings = run.settings()
        plan(settings, device, this_process().count)  # whether these processes can share its steps
        with run.locked():
            _prepare(run, locate(settings.base), listener)
        return run.name

    first_does(begin, where.kind)
    return _go_on(run, listener, where)


def _begin(settings: Settings, listener: Listener, device: str) -> str:
    """Make the folder of a new run, with its data prepared; returns its name."""
    if not settings.data:
        raise UsageError("say what to learn from: --data FILE, a folder, `history` or owner/name")
    local = locate(settings.base)
    choice, spec = plan(settings, device, this_process().count)
    check_fits(choice, spec)
    if settings.offload and choice.device.kind == "cpu":
        raise UsageError("offload is for GPUs: on a CPU activations are in its memory already")
    name = settings.name or free_name(settings)
    run = next_run(name)
    if trains_again(name, settings, local):
        back = f"`assistant adapters rollback {name}`"
        listener.remark(f"{name} is trained again: {back} brings back what it is now")
    run.create(choice.settings.with_changes(name=name))
    with run.locked():
        try:
            _prepare(run, local, listener)
        except BaseException:
            shutil.rmtree(run.path, ignore_errors=True)  # nothing was learned yet
            raise
    return run.name


def _go_on(run: RunFolder, listener: Listener, device: Device) -> Outcome:
    """From prepared data to the end."""
    local = locate(run.settings().base)
    with run.locked() if this_process().is_first else nullcontext():
        return _train(run, local, listener, device)


def _prepare(run: RunFolder, local: LocalModel, listener: Listener) -> Prepared:
    settings = run.settings()
    prepared, journal = prepare(settings, local, run.path, listener.say)
    for line in journal.summary:
        listener.remark(line)
    if settings.max_steps is None or settings.evaluate_every is None:
        total = math.ceil(settings.epochs * prepared.rows[0] / settings.batch_size)
        steps = settings.max_steps or max(1, total)
        every = settings.evaluate_every or max(1, math.ceil(steps / _EVALUATIONS))
        run.change(settings.with_changes(max_steps=steps, evaluate_every=every))
    return prepared


def _train(run: RunFolder, local: LocalModel, listener: Listener, device: Device) -> Outcome:
    import torch

    processes = this_process().count
    while True:
        settings = run.settings()
        try:
            with quiet(), others_fail_quietly():
                return _once(run, local, listener, device)
        except (torch.OutOfMemoryError, MemoryError) as error:
            _make_smaller(run, settings, device, error)
        listener.remark(out_of_memory.told(run.settings(), processes))
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _make_smaller(run: RunFolder, settings: Settings, device: Device, error: BaseException) -> None:
    """Keep settings with which less memory is needed, or raise AssistantError that says what is."""
    processes = this_process().count
    smaller = out_of_memory.smaller(settings, device.kind, processes)
    if smaller is None:
        choice, spec = plan(settings, device.name, processes)
        raise AssistantError(
            f"{device.name} ran out of memory with one row at a time: by the plan "
            f"{what_would_fit(choice, spec)}"
        ) from error
    run.change(smaller)
    if processes > 1:  # the others wait for gradients that will not come
        raise AssistantError(
            f"{out_of_memory.told(smaller, processes)}: say --resume {run.name}"
        ) from error


def _once(run: RunFolder, local: LocalModel, listener: Listener, device: Device) -> Outcome:
    from assistant.engine.memory import release_unused

    facts, quantization, best = _learn(run, local, listener, device)
    gc.collect()  # the trainer and its model know each other
    release_unused()
    result = first_does(lambda: str(_finish(run, local, facts, quantization, best)), device.kind)
    return _outcome(run, Path(result))


def _learn(
    run: RunFolder, local: LocalModel, listener: Listener, device: Device
) -> "tuple[TrainedFor, str, int]":
    """Train to the end; says what on, how its weights are held, and which step was the best."""
    settings = run.settings()
    listener.say(f"loading {local.name}")
    from assistant.engine.trained_for import trained_for
    from assistant_finetune.training.base import load_base
    from assistant_finetune.training.trainer import Job, make_trainer

    if settings.method is None:
        raise UsageError(f"{run.path} says no method")
    base = load_base(local, settings.method, settings.precision, device.name)
    facts = trained_for(settings.base, base.model, base.renderer)
    prepared = _prepare(run, local, Listener())
    watch = _Watch(run, settings, listener, device)
    job = Job(
        base,
        local.folder,
        settings,
        ordered_rows(settings, prepared, run.path),
        _held_out_rows(run, prepared),
        run.checkpoints,
        watch.log,
    )
    trainer = make_trainer(job)
    newest = run.checkpoints.newest()
    if this_process().is_first:
        watch.begin(trainer, newest)
    listener.say("training")
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    best = trainer.state.best_global_step or run.checkpoints.steps()[-1]
    return facts, base.quantization, best


def _finish(
    run: RunFolder,
    local: LocalModel,
    facts: "TrainedFor",
    quantization: str,
    best: int,
) -> Path:
    """Keep what came of the run where it is found, and report it."""
    from assistant.engine.trained_for import write_note

    prepared = _prepare(run, local, Listener())
    settings, checkpoint = run.settings(), run.checkpoints.at(best)
    _report(run, facts, prepared, quantization, best)
    if settings.method == "full":
        return _keep_model(run, checkpoint, local)
    folder = run.path / ADAPTER
    _keep_adapter(checkpoint, folder, local, settings)
    write_note(
        folder,
        facts,
        quantization=quantization,
        data_sha256=prepared.sha256,
        examples=prepared.examples,
        step=best,
        method=settings.method,
        run=run.name,
    )
    result = install(folder, settings.name or run.name)
    drop_old_runs(result.name)
    return result


def _held_out_rows(run: RunFolder, prepared: Prepared) -> Any:
    """What is measured on the way, or None where nothing is held out."""
    if not prepared.held_out_rows:
        return None
    held = read_rows(run.path / EVALUATION_FILE)
    return held.select(range(min(_MOST_HELD_OUT, len(held))))


def _report(
    run: RunFolder, facts: "TrainedFor", prepared: Prepared, quantization: str, best: int
) -> None:
    settings = run.settings()
    tables: dict[str, dict[str, object]] = {
        "Result": {"adapter": settings.name, "best step": best, **_losses(run)},
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


def _outcome(run: RunFolder, result: Path) -> Outcome:
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


def ordered_rows(settings: Settings, prepared: Prepared, run: Path) -> Any:
    """All rows of a run in the order in which they are learned, the same whenever it goes on."""
    from datasets import concatenate_datasets

    parts = [read_rows(file) for file in prepared.files(run)]
    starts = [sum(prepared.rows[:number]) for number in range(len(parts))]
    wanted = (settings.max_steps or 1) * settings.batch_size
    order, epoch = list[int](), 0
    while len(order) < wanted:
        part = epoch % len(parts)
        numbers = list(range(starts[part], starts[part] + prepared.rows[part]))
        random.Random(f"{settings.seed} {epoch}").shuffle(numbers)
        order += numbers
        epoch += 1
    return concatenate_datasets(parts).select(order[:wanted])


def _keep_adapter(checkpoint: Path, folder: Path, local: LocalModel, settings: Settings) -> None:
    """The adapter of a checkpoint in a folder of its own, which names its base as users do."""
    import json

    unfinished = folder.with_name(f".{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    shutil.copy2(checkpoint / "adapter_model.safetensors", unfinished)
    config = json.loads((checkpoint / "adapter_config.json").read_text("utf-8"))
    config["base_model_name_or_path"] = base_name(settings, local)
    config["inference_mode"] = True
    config["target_modules"] = sorted(config["target_modules"])  # which the library keeps as a set
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    paths.write_atomically(unfinished / "adapter_config.json", text)
    os.replace(unfinished, folder)


def _keep_model(run: RunFolder, checkpoint: Path, local: LocalModel) -> Path:
    """The model of a checkpoint in bfloat16, with its tokenizer and its notes."""
    from assistant_finetune.training.whole_model import save_whole

    return save_whole(checkpoint, local, run.path / MODEL)


class _Watch:
    """Between the trainer, which measures, and whoever is told."""

    def __init__(
        self, run: RunFolder, settings: Settings, listener: Listener, device: Device
    ) -> None:
        self._run, self._settings = run, settings
        self._listener, self._device = listener, device
        self._metrics: Metrics | None = None

    def begin(self, trainer: Any, newest: Path | None) -> None:
        """Go on with the measurements where the checkpoint stands."""
        self._metrics = Metrics(
            self._run.path / METRICS_FILE,
            self._settings.max_steps or 1,
            lambda: int(trainer.learned),
            lambda: peak_bytes(self._device),
            self._listener.measured,
        )
        self._metrics.go_on_from(int(newest.name.rpartition("-")[2]) if newest else 0)

    def log(self, values: dict[str, float]) -> None:
        """Take what was measured."""
        if self._metrics is not None:
            self._metrics.log(values)


def peak_bytes(device: Device) -> int:
    """The most memory this process has had: of the GPU, or in all."""
    if device.kind == "cuda":
        import torch

        return int(torch.cuda.max_memory_reserved())
    if sys.platform == "linux":  # whose `ru_maxrss` counts what the process had before it was this
        found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text("ascii"))
        return int(found[1]) * 1024 if found else 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _spec(base: str) -> ModelSpec:
    try:
        return spec_of(locate(base))
    except AssistantError:
        if os.sep in base:
            raise
        return find_spec(base)[0]


def _device(wanted: str) -> Device:
    devices = detect_machine().devices
    if wanted == "auto":
        wanted = devices[0].kind
    named = f"{wanted}:{this_process().local_rank}" if wanted == "cuda" else wanted
    for device in devices:
        if device.name == named:
            return device
    names = ", ".join(device.name for device in devices)
    raise UsageError(f"there is no device {wanted!r} here to train on: there are {names}")
