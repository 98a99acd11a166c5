"""The settings that nobody chose, from the model, the device and its memory."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from assistant.errors import AssistantError
from assistant.model_specs import ModelSpec
from assistant.plan.machine import Device
from assistant_finetune.fitting.memory import TrainingMemory, memory_of
from assistant_finetune.training.settings import Settings

_ROOM = 0.92
"""The share of the free memory that may be planned for."""
_SMALL = 100_000_000
"""Parameters: smaller models learn with a larger rank and larger steps."""
_LONGEST = 2048
_SMALL_STEP = 4
"""Rows in a step of a small model, which learns more from many steps than from smooth ones."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Settings with nothing left to choose, and the memory they take."""

    settings: Settings
    memory: TrainingMemory
    device: Device

    @property
    def fits(self) -> bool:
        """Whether that is free now."""
        return self.memory.total <= _ROOM * self.device.free_bytes


def choose(settings: Settings, spec: ModelSpec, device: Device) -> Choice:
    """Fill in what was left open: as one would wish, and then smaller until it fits.

    What was chosen by the user stays. Where nothing fits, the smallest choice is returned.
    """
    if spec.parameters < _SMALL and "batch_size" not in settings.model_fields_set:
        settings = settings.with_changes(batch_size=_rows_of_small(settings))
    chosen = _wished(settings, spec, device.kind)
    found = Choice(chosen, memory_of(spec, chosen, device.kind), device)
    for smaller in _smaller(settings, spec):
        if found.fits:
            break
        chosen = chosen.with_changes(**smaller(chosen))
        found = Choice(chosen, memory_of(spec, chosen, device.kind), device)
    return found


def check_fits(choice: Choice, spec: ModelSpec) -> None:
    """Raises AssistantError that says what is missing and what would help."""
    if choice.fits:
        return
    needed, free = choice.memory.total / 1e9, choice.device.free_bytes / 1e9
    help_ = "name a smaller --base"
    if choice.settings.method != "qlora":
        help_ = "choose --method qlora, or " + help_
    elif (choice.settings.max_length or 0) > 512:
        help_ = "choose a smaller --max-length, or " + help_
    raise AssistantError(
        f"training {spec.name} takes {needed:.1f} GB, and {choice.device.name} has {free:.1f} GB "
        f"free: {help_}; --plan shows what takes how much"
    )


def _wished(settings: Settings, spec: ModelSpec, kind: str) -> Settings:
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
        "checkpointing": settings.checkpointing if settings.checkpointing is not None else False,
        "micro_batch_size": settings.micro_batch_size or _largest_micro(settings, kind),
    }
    return settings.with_changes(**values)


def _rows_of_small(settings: Settings) -> int:
    micro = settings.micro_batch_size or 1
    return max(_SMALL_STEP // micro, 1) * micro


def _largest_micro(settings: Settings, kind: str) -> int:
    """A CPU gains nothing from more than a few rows at once."""
    most = 2 if kind == "cpu" else 8
    return next(
        size for size in (most, 4, 2, 1) if size <= most and settings.batch_size % size == 0
    )


def _smaller(settings: Settings, spec: ModelSpec) -> Iterator[Callable[[Settings], dict[str, Any]]]:
    """What saves memory, first what costs nothing but time."""
    if settings.micro_batch_size is None:
        for size in (4, 2, 1):
            yield lambda now, size=size: {  # type: ignore[misc]
                "micro_batch_size": min(size, now.micro_batch_size or 1)
            }
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
