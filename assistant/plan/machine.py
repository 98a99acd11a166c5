"""What this machine has: memory, devices, and, once measured, how fast they are.

Facts alone: what they mean for a model is reckoned in `assistant.plan.planning`.
"""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assistant.model_specs import ModelSpec
from assistant.plan.speed import Rates, Timing
from assistant.plan.weights import Storage, weights_of

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may use, where the process runs in one."""
_QUERY = ["nvidia-smi", "--query-gpu=index,name,memory.total,memory.free"]
_MEBI = 1 << 20


@dataclass(frozen=True, slots=True)
class Device:
    """Something that computes, and its own memory in bytes."""

    name: str
    """As PyTorch and the setting `device` call it: `cpu`, `cuda:0`."""
    title: str
    """As people call it."""
    total_bytes: int
    free_bytes: int
    """What is not in use right now."""
    copies: bool = True
    """Whether a second copy in bfloat16 makes 4-bit weights faster; nobody knows before it was
    measured."""
    rates: Mapping[Storage, Rates] = field(default_factory=dict)
    """How fast it is with weights in each form, as far as that was measured."""
    timings: Mapping[tuple[str, Storage], Timing] = field(default_factory=dict)
    """What was measured with a model's own widths, by its name and form."""

    @property
    def kind(self) -> str:
        """`cpu` or `cuda`."""
        return self.name.partition(":")[0]

    def timing(self, spec: ModelSpec, storage: Storage) -> Timing | None:
        """What a model takes here: as measured with its own widths, or else by the rates."""
        measured = self.timings.get((spec.name, storage))
        rates = self.rates.get(storage)
        if measured is not None or rates is None:
            return measured
        return rates.timing(spec, weights_of(spec, storage, self.kind, copied=self.copies))


@dataclass(frozen=True, slots=True)
class Machine:
    """The devices that models can run on, the one that `auto` chooses first."""

    devices: tuple[Device, ...]


def detect_machine() -> Machine:
    """The devices of this machine and their memory; PyTorch is not needed for it."""
    return Machine((*_gpus(), _cpu()))


def _cpu() -> Device:
    import psutil

    memory = psutil.virtual_memory()
    total, free = int(memory.total), int(memory.available)
    limit = _container_limit()
    if limit is not None and limit < total:
        total, free = limit, min(free, limit)
    return Device("cpu", f"{os.cpu_count() or 1} cores", total, free)


def _container_limit() -> int | None:
    try:
        text = _CGROUP_LIMIT.read_text("ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _gpus() -> tuple[Device, ...]:
    """NVIDIA's GPUs, asked of the driver's own tool: importing PyTorch for it takes seconds."""
    query = [*_QUERY, "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return read_gpus(found.stdout)


def read_gpus(text: str) -> tuple[Device, ...]:
    """The GPUs of a table whose lines are index, name, total and free memory in MiB."""
    gpus = []
    for line in text.splitlines():
        fields = [part.strip() for part in line.split(",")]
        if len(fields) == 4 and all(fields[place].isdigit() for place in (0, 2, 3)):
            index, title, total, free = fields
            gpus.append(Device(f"cuda:{index}", title, int(total) * _MEBI, int(free) * _MEBI))
    return tuple(gpus)
