"""Who is told how a run goes, and by what it is measured."""

import re
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.plan.machine import Device
from assistant_finetune.training.metrics import Measured, Metrics
from assistant_finetune.training.run_folder import METRICS_FILE, RunFolder
from assistant_finetune.training.settings import Settings


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told how it goes."""

    say: Callable[[str], object] = lambda _: None
    """What is being done, in words."""
    measured: Callable[[Measured], object] = lambda _: None
    remark: Callable[[str], object] = lambda _: None
    """What the user should know, each one line."""


class Watch:
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
    return process_peak_bytes()


def process_peak_bytes() -> int:
    """The most memory this process has had, all of its resident pages counted."""
    if sys.platform == "linux":  # whose `ru_maxrss` counts what the process had before it was this
        found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text("ascii"))
        return int(found[1]) * 1024 if found else 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
