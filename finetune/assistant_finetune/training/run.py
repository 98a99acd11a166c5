"""One training run from its settings to an adapter that servers find by its name."""

import gc
import math
import os
import random
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.engine.quiet import quiet
from assistant.errors import AssistantError, Cancelled, UsageError
from assistant.model_specs import ModelSpec
from assistant.plan.folders import spec_of
from assistant.plan.machine import Device, detect_machine
from assistant.registry import LocalModel, find_spec, locate
from assistant_finetune.fitting.choosing import (
    Choice,
    check_fits,
    choose,
    usual_steps,
    what_would_fit,
)
from assistant_finetune.training import out_of_memory
from assistant_finetune.training.listening import Listener, Watch
from assistant_finetune.training.naming import free_name, trains_again
from assistant_finetune.training.prepare import EVALUATION_FILE, KEPT_BACK_FILE, Prepared, prepare
from assistant_finetune.training.processes import first_does, others_fail_quietly, this_process
from assistant_finetune.training.result import Best, Outcome, keep_result, outcome_of
from assistant_finetune.training.rows import read_rows
from assistant_finetune.training.run_folder import (
    RunFolder,
    last_run,
    next_run,
)
from assistant_finetune.training.settings import Settings
from assistant_finetune.training.stopping import interrupts_as_wishes

if TYPE_CHECKING:
    from assistant.engine.trained_for import TrainedFor

_EVALUATIONS = 10
"""So many times what is held out is measured, where nobody says how often."""
_MOST_HELD_OUT = 64
"""Rows that are held out and measured."""


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
    if settings.unpacked and choice.device.kind != "cpu":
        raise UsageError("unpacked is for CPUs: a GPU unpacks weights faster than it reads them")
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
        steps = settings.max_steps or usual_steps(settings, prepared.rows[0], _spec(settings.base))
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

    def keep() -> str:
        prepared = _prepare(run, local, Listener())
        return str(keep_result(run, local, prepared, facts, quantization, best))

    return outcome_of(run, Path(first_does(keep, device.kind)))


def _learn(
    run: RunFolder, local: LocalModel, listener: Listener, device: Device
) -> "tuple[TrainedFor, str, Best]":
    """Train to the end; says what on, how its weights are held, and what is kept of it."""
    settings = run.settings()
    listener.say(f"loading {local.name}")
    from assistant.engine.trained_for import trained_for
    from assistant_finetune.training.base import load_base
    from assistant_finetune.training.trainer import Job, make_trainer

    if settings.method is None:
        raise UsageError(f"{run.path} says no method")
    base = load_base(
        local,
        settings.method,
        settings.precision,
        device.name,
        unpacked=bool(settings.unpacked),
    )
    facts = trained_for(settings.base, base.model, base.renderer)
    prepared = _prepare(run, local, Listener())
    watch = Watch(run, settings, listener, device)
    with interrupts_as_wishes(listener.remark) as wish:
        job = Job(
            base,
            local.folder,
            settings,
            ordered_rows(settings, prepared, run.path),
            _held_out_rows(run, prepared),
            run.checkpoints,
            watch.log,
            lambda: wish.told,
        )
        trainer = make_trainer(job)
        newest = run.checkpoints.newest()
        if this_process().is_first:
            watch.begin(trainer, newest)
        listener.say("training")
        trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    if wish.told and trainer.state.global_step < trainer.state.max_steps:
        listener.remark(
            f"stopped at step {trainer.state.global_step}: go on by --resume {run.name}"
        )
        raise Cancelled(f"{run.name} was stopped")
    step = trainer.state.best_global_step or run.checkpoints.steps()[-1]
    return facts, base.quantization, Best(step, _alpha(run, settings, trainer, step, listener))


def _alpha(
    run: RunFolder, settings: Settings, trainer: Any, step: int, listener: Listener
) -> int | None:
    """The alpha at which no more is forgotten than may be, where that is to be seen to."""
    file = run.path / KEPT_BACK_FILE
    if not settings.forgetting or settings.method == "full" or not file.exists():
        return None
    from assistant_finetune.training.forgetting import fitting_alpha

    listener.say("measuring what is forgotten")
    trained, rows = settings.alpha or settings.rank or 16, read_rows(file)
    checkpoint = run.checkpoints.at(step)
    alpha = fitting_alpha(trainer, checkpoint, rows, trained, settings.forgetting)
    if alpha < trained:
        listener.remark(
            f"the adapter works at {alpha / trained:.2f} of its strength, so that the loss on "
            f"other code rises by {settings.forgetting:.1%} at most"
        )
    return alpha


def _held_out_rows(run: RunFolder, prepared: Prepared) -> Any:
    """What is measured on the way, or None where nothing is held out."""
    if not prepared.held_out_rows:
        return None
    held = read_rows(run.path / EVALUATION_FILE)
    return held.select(range(min(_MOST_HELD_OUT, len(held))))


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
