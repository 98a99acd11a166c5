"""How fast a trainer of transformers learns, and the memory that its process took."""

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from transformers import TrainerCallback

from assistant_finetune.training.listening import process_peak_bytes

_Callback: Any = TrainerCallback


@dataclass(frozen=True, slots=True)
class Epoch:
    """One time through all chats."""

    seconds: float
    """From the first step's batch to the end of the last step."""
    processor_seconds: float
    """Of all cores together, in the same time."""
    learned: int
    """Tokens that a loss was computed for."""
    computed: int
    """Tokens that went through the model, padding among them."""
    peak_bytes: int
    """The most memory that the process has had."""


class _Times(NamedTuple):
    clock: float
    processor: float


def _now() -> _Times:
    return _Times(time.perf_counter(), time.process_time())


class Meter(_Callback):  # type: ignore[misc]
    """Times a trainer's steps and counts what they learn."""

    def __init__(self, trainer: Any) -> None:
        """Watch a trainer, whose own work goes on as it would."""
        self._trainer = trainer
        self._batches = trainer.get_batch_samples
        self._learned = self._computed = 0
        self._begun = self._ended = _Times(0.0, 0.0)
        trainer.get_batch_samples = self._count
        trainer.add_callback(self)

    def epoch(self) -> Epoch:
        """Train for as many steps as the trainer was told."""
        self._learned = self._computed = 0
        self._trainer.train()
        seconds = self._ended.clock - self._begun.clock
        processor_seconds = self._ended.processor - self._begun.processor
        return Epoch(
            seconds, processor_seconds, self._learned, self._computed, process_peak_bytes()
        )

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """The first batch is asked for next."""
        if not self._computed:
            self._begun = _now()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Perhaps the last one."""
        self._ended = _now()

    def _count(self, *args: Any, **kwargs: Any) -> Any:
        batches, learned = self._batches(*args, **kwargs)
        self._learned += int(learned or 0)
        self._computed += sum(batch["input_ids"].numel() for batch in batches)
        return batches, learned
