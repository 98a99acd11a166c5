"""The settings that nobody chose, from the model, the device and its memory."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from assistant.errors import AssistantError, UsageError
from assistant.model_specs import ModelSpec
from assistant.plan.machine import Device
from assistant_finetune.fitting.memory import TrainingMemory, memory_of
from assistant_finetune.training.settings import EPOCHS, Settings

_ROOM = 0.92
"""The share of the free memory that may be planned for."""
_SMALL = 100_000_000
"""Parameters: smaller models learn with a larger rank and larger steps."""
_LONGEST = 2048
_SHORTEST = 64
"""Tokens: below it there is nothing worth learning in a sample."""
_SMALL_STEP = 4
"""Rows in a step of a small model, which learns more from many steps than from smooth ones."""
_STEPS_OF_SMALL = 200
"""Of a small model, where nobody says how many: with the starter five minutes of one core."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Settings with nothing left to choose, and the memory they take."""

    settings: Settings
    memory: TrainingMemory
    device: Device
    processes: int = 1
    """That train together, each of which takes the memory: on a CPU all of the same."""

    @property
    def needed(self) -> int:
        """Bytes of the device's memory."""
        return self.memory.total * (self.processes if self.device.kind == "cpu" else 1)

    @property
    def fits(self) -> bool:
        """Whether that is free now."""
        return self.needed <= _ROOM * self.device.free_bytes


def choose(settings: Settings, spec: ModelSpec, device: Device, processes: int = 1) -> Choice:
    """Fill in what was left open: as one would wish, and then smaller until it fits.

    What was chosen by the user stays. Where nothing fits, the smallest choice is returned.
    Raises UsageError where the rows of a step cannot be shared by the processes.
    """
    slow_bfloat16 = "precision" not in settings.model_fields_set and _prefers_float32(device)
    if spec.parameters < _SMALL and "batch_size" not in settings.model_fields_set:
        settings = settings.with_changes(batch_size=_rows_of_small(settings, processes))
    if slow_bfloat16:
        settings = settings.with_changes(precision="fp32")
    _check_shared(settings, processes)
    found = _choice(_wished(settings, spec, device.kind, processes), spec, device, processes)
    for smaller in _smaller(settings, spec, processes, slow_bfloat16):
        if found.fits:
            break
        chosen = found.settings.with_changes(**smaller(found.settings))
        found = _choice(chosen, spec, device, processes)
    return found


def _prefers_float32(device: Device) -> bool:
    """Whether it is a processor that computes sooner in float32, as one that imitates bfloat16."""
    if device.kind != "cpu":
        return False
    from assistant_finetune.fitting.precision import fastest_precision

    return fastest_precision() == "fp32"


def _choice(chosen: Settings, spec: ModelSpec, device: Device, processes: int) -> Choice:
    memory = memory_of(spec, chosen, device.kind, processes)
    return Choice(chosen, memory, device, processes)


def usual_steps(settings: Settings, rows: int, spec: ModelSpec) -> int:
    """The steps of a run with so many rows in an epoch, where nobody says how many."""
    steps = max(1, math.ceil((settings.epochs or EPOCHS) * rows / settings.batch_size))
    few = settings.epochs is None and spec.parameters < _SMALL
    return min(steps, _STEPS_OF_SMALL) if few else steps


def check_fits(choice: Choice, spec: ModelSpec) -> None:
    """Raises AssistantError that says what is missing and what would fit."""
    if choice.fits:
        return
    needed, free = choice.needed / 1e9, choice.device.free_bytes / 1e9
    raise AssistantError(
        f"training {spec.name} takes {needed:.1f} GB, and {choice.device.name} has {free:.1f} GB "
        f"free: {what_would_fit(choice, spec)}; --plan shows what takes how much"
    )


def what_would_fit(choice: Choice, spec: ModelSpec) -> str:
    """By the plan: shorter samples, weights in 4 bits, or both; in the words of an error."""
    for options, changes in _sacrifices(choice.settings, spec):
        changed = choose(
            choice.settings.with_changes(**changes), spec, choice.device, choice.processes
        )
        if changed.fits:
            return f"{options} would fit, with {changed.needed / 1e9:.1f} GB"
    return "no setting makes it fit, so name a smaller --base"


def _sacrifices(settings: Settings, spec: ModelSpec) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a user might give up, the least first, as options and as settings."""
    longest = settings.max_length or _LONGEST
    lengths = [longest // part for part in (2, 4, 8) if longest // part >= _SHORTEST]
    yield from ((f"--max-length {length}", {"max_length": length}) for length in lengths)
    if settings.method != "qlora" and "full" in spec.variants:
        for length in (longest, *lengths):
            yield (
                f"--method qlora --max-length {length}",
                {"method": "qlora", "max_length": length},
            )


def _check_shared(settings: Settings, processes: int) -> None:
    if settings.batch_size % (processes * (settings.micro_batch_size or 1)):
        at_once = settings.micro_batch_size or 1
        raise UsageError(
            f"a step of {settings.batch_size} rows cannot be shared by {processes} processes with "
            f"{at_once} at once: choose a --batch-size that {processes * at_once} divides"
        )


def _wished(settings: Settings, spec: ModelSpec, kind: str, processes: int) -> Settings:
    small = spec.parameters < _SMALL
    only_gptq = "full" not in spec.variants
    method = settings.method or ("qlora" if only_gptq else "lora")
    full = method == "full"
    rank = None if full else settings.rank or (64 if small else 16)
    rate = settings.learning_rate or ((5e-4 if full else 1.5e-3) if small else 2e-4)
    values: dict[str, Any] = {
        "method": method,
        "rank": rank,
        "learning_rate": rate,
        "max_length": min(settings.max_length or (1024 if small else _LONGEST), spec.context),
        "optimizer": settings.optimizer or "adamw",
        "adapter_precision": settings.adapter_precision or "fp32",
        "unpacked": _unpacked(settings, method, kind),
        "checkpointing": settings.checkpointing if settings.checkpointing is not None else False,
        "micro_batch_size": settings.micro_batch_size or _largest_micro(settings, kind, processes),
    }
    return settings.with_changes(**values)


def _unpacked(settings: Settings, method: str, kind: str) -> bool:
    possible = method == "qlora" and kind == "cpu"
    return possible and settings.unpacked is not False


def _rows_of_small(settings: Settings, processes: int) -> int:
    together = (settings.micro_batch_size or 1) * processes
    return max(_SMALL_STEP // together, 1) * together


def _largest_micro(settings: Settings, kind: str, processes: int) -> int:
    """A CPU gains nothing from more than a few rows at once."""
    most = 2 if kind == "cpu" else 8
    rows = settings.batch_size // processes
    return next(size for size in (most, 4, 2, 1) if size <= most and rows % size == 0)


def _smaller(
    settings: Settings, spec: ModelSpec, processes: int, slow_bfloat16: bool
) -> Iterator[Callable[[Settings], dict[str, Any]]]:
    """What saves memory, first what costs nothing but time."""
    if settings.micro_batch_size is None:
        rows = settings.batch_size // processes
        for size in (size for size in (4, 2, 1) if rows % size == 0):
            yield lambda now, size=size: {  # type: ignore[misc]
                "micro_batch_size": min(size, now.micro_batch_size or 1)
            }
    if settings.unpacked is None:
        yield lambda now: {"unpacked": False}
    if slow_bfloat16:
        yield lambda now: {"precision": "bf16"}
    if settings.checkpointing is None:
        yield lambda now: {"checkpointing": True}
    if settings.method is None and "full" in spec.variants:
        yield lambda now: {"method": "qlora"}
    if settings.adapter_precision is None:
        yield lambda now: {"adapter_precision": "bf16"}
    if settings.optimizer is None:
        yield lambda now: {"optimizer": "adamw-8bit"}
    if settings.rank is None and settings.method != "full":
        yield lambda now: {"rank": min(16, now.rank or 16)}
    if settings.max_length is None:
        for length in (1024, 512):
            yield lambda now, length=length: {  # type: ignore[misc]
                "max_length": min(length, now.max_length or length)
            }
