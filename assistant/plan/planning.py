"""What runs on a machine: each model's memory, whether that is there, and the speed to expect."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from assistant.errors import UsageError
from assistant.model_specs import ModelSpec
from assistant.plan.machine import Device, Machine
from assistant.plan.weights import Storage, storages_of, variant_of, weights_of

CONTEXT_AT_MOST = 8192
"""The context that is planned for where nobody says: some models could read far more."""
PLEASANT_TOKENS_PER_SECOND = 3.0
"""About as fast as people read."""
_CACHE_BYTES = 2
_ROOM = 256
"""Keys and values stand in buffers whose length is a multiple of it; see `engine.kv_cache`."""
_CHUNK = 256
"""Tokens of a prompt that pass through a layer at once on the CPU."""
_BUDGET_SHARE = 1 / 3
"""Of the memory that is free when the weights are there; see `engine.load`."""
_RUNTIME_BYTES = {"cpu": 500_000_000, "cuda": 600_000_000}
"""What the engine takes of a device without a model: measured on the CPU, assumed for CUDA."""
_GPTQ_RUNTIME_BYTES = 130_000_000
"""What the library that reads GPTQ weights takes beside it, on the CPU."""
_SYSTEM_BYTES = 1_000_000_000
_SYSTEM_SHARE = 0.05
"""Left to the operating system: so many bytes, and so much of the memory."""


class Fit(StrEnum):
    """Whether a model's memory is there."""

    FITS = "fits"
    TIGHT = "tight"
    """Once other programs give back what they hold now."""
    TOO_LARGE = "too large"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a device's memory, by what they are for."""

    weights: int
    copies: int
    """Second copies of weights, which are kept where memory is free and else done without."""
    cache: int
    """Keys and values of one text as long as the context."""
    working: int
    """What comes and goes while a prompt is read, and room for texts to grow."""
    runtime: int
    """The program itself and its libraries."""

    @property
    def total(self) -> int:
        """All of them, as the process takes them when there is room."""
        return self.needed + self.copies

    @property
    def needed(self) -> int:
        """Without what can be done without."""
        return self.weights + self.cache + self.working + self.runtime


@dataclass(frozen=True, slots=True)
class Plan:
    """What to expect of a model in one form on one device."""

    spec: ModelSpec
    storage: Storage
    context: int
    device: str
    memory: Memory
    fit: Fit
    tokens_per_second: float | None = None
    """Behind a prompt of PROMPT_TOKENS; None where nothing was measured."""
    first_token_seconds: float | None = None
    """Of the answer to such a prompt."""

    @property
    def name(self) -> str:
        """What the setting `model` is then."""
        named = self.spec.repository and variant_of(self.storage) == "gptq"
        return self.spec.name + ("-gptq" if named else "")

    @property
    def settings(self) -> dict[str, str]:
        """What belongs into `config.toml` for it."""
        quantized = self.storage in ("int4", "nf4")
        return {"model": self.name} | ({"quantization": self.storage} if quantized else {})


def planned_context(spec: ModelSpec, wanted: int | None) -> int:
    """Tokens to plan for: as many as wanted or are sensible, and no more than the model reads."""
    return min(wanted or CONTEXT_AT_MOST, spec.context)


def memory_of(spec: ModelSpec, storage: Storage, context: int, device: Device) -> Memory:
    """The memory that a model takes on a device, with room for one text as long as `context`."""
    weights = weights_of(spec, storage, device.kind, copied=device.copies)
    runtime = _RUNTIME_BYTES[device.kind]
    if storage == "gptq" and device.kind == "cpu":
        runtime += _GPTQ_RUNTIME_BYTES
    position = 2 * spec.layers * spec.kv_heads * spec.head_dim * _CACHE_BYTES
    copies = weights.copied(int((device.free_bytes - weights.total - runtime) * _BUDGET_SHARE))
    rows = min(_CHUNK, context)
    widest = max(3 * spec.intermediate_size, 3 * spec.heads * spec.head_dim) + 3 * spec.hidden_size
    passing = rows * widest * _CACHE_BYTES + 4 * spec.vocab_size
    if copies < weights.copies:  # the largest product is unpacked to bfloat16 each time
        passing += 2 * 2 * spec.hidden_size * spec.intermediate_size
    return Memory(
        weights=weights.total,
        copies=copies,
        cache=position * context,
        working=position * (buffer_positions(context) - context) + passing,
        runtime=runtime,
    )


def buffer_positions(context: int) -> int:
    """How many positions the buffers have room for when a prompt of that length was read.

    They grow to half as much again as they must hold, whenever a chunk does not fit.
    """
    held = room = 0
    while held < context:
        held = min(held + _CHUNK, context)
        if held > room:
            room = -(-(held + held // 2) // _ROOM) * _ROOM
    return room


def plan_for(
    spec: ModelSpec, storage: Storage, machine: Machine, context: int | None = None
) -> Plan:
    """The plan on the first of the devices that have the memory, or of all where none has.

    Raises UsageError where no device of the machine can hold the model in this form.
    """
    plans = [
        _on_device(spec, storage, device, planned_context(spec, context))
        for device in machine.devices
        if storage in storages_of(spec, device.kind)
    ]
    if not plans:
        raise UsageError(f"{spec.name} cannot be held as {storage} on this machine")
    return min(plans, key=lambda plan: list(Fit).index(plan.fit))


def plans_for(
    specs: Iterable[ModelSpec], machine: Machine, context: int | None = None
) -> list[Plan]:
    """All plans for these models in every form that a device here can hold, best first."""
    plans = []
    for spec in specs:
        storages = {
            storage: None
            for device in machine.devices
            for storage in storages_of(spec, device.kind)
        }
        plans += [plan_for(spec, storage, machine, context) for storage in storages]
    return best_first(plans)


def best_first(plans: Iterable[Plan]) -> list[Plan]:
    """What fits before what does not, what is pleasant before what is slow, large before small."""

    def order(plan: Plan) -> tuple[object, ...]:
        precise = plan.storage == "bf16"
        size = plan.spec.parameters
        if plan.fit is Fit.TOO_LARGE:
            return (list(Fit).index(plan.fit), False, plan.memory.total, False, plan.name)
        return (list(Fit).index(plan.fit), not _pleasant(plan), -size, not precise, plan.name)

    return sorted(plans, key=order)


def recommended(plans: Sequence[Plan]) -> Plan | None:
    """The largest model to talk to that fits and is not too slow; None where none fits.

    Where all are slow it is the quickest.
    """
    fitting = [plan for plan in plans if plan.fit is Fit.FITS]
    talking = [plan for plan in fitting if plan.spec.chat_format is not None] or fitting
    pleasant = [plan for plan in talking if _pleasant(plan)]
    if pleasant:
        return best_first(pleasant)[0]
    return max(talking, key=lambda plan: plan.tokens_per_second or 0.0, default=None)


def _pleasant(plan: Plan) -> bool:
    """Whether it is quick enough, or nobody knows."""
    speed = plan.tokens_per_second
    return speed is None or speed >= PLEASANT_TOKENS_PER_SECOND


def _on_device(spec: ModelSpec, storage: Storage, device: Device, context: int) -> Plan:
    memory = memory_of(spec, storage, context, device)
    timing, fit = device.timing(spec, storage), _fit(memory.needed, device)
    plan = Plan(spec, storage, context, device.name, memory, fit)
    if timing is None or fit is Fit.TOO_LARGE:
        return plan
    possible = weights_of(spec, storage, device.kind, copied=device.copies).copies
    return replace(
        plan,
        tokens_per_second=timing.tokens_per_second(spec.layers),
        first_token_seconds=timing.first_token_seconds(
            spec.layers, memory.copies / possible if possible else 0.0
        ),
    )


def _fit(needed: int, device: Device) -> Fit:
    if needed > usable_bytes(device):
        return Fit.TOO_LARGE
    return Fit.FITS if needed <= device.free_bytes else Fit.TIGHT


def usable_bytes(device: Device) -> int:
    """What a model may take of a device's memory when nothing else runs there."""
    if device.kind != "cpu":
        return device.total_bytes
    return int(device.total_bytes * (1 - _SYSTEM_SHARE)) - _SYSTEM_BYTES
