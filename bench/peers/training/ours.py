"""Our own training, as `assistant finetune` does it."""

import dataclasses
import math
from pathlib import Path
from typing import Any

from assistant.registry import locate
from assistant_finetune.fitting.precision import fastest_precision
from assistant_finetune.training.base import load_base
from assistant_finetune.training.checkpoints import Checkpoints
from assistant_finetune.training.metrics import Metrics
from assistant_finetune.training.prepare import prepare
from assistant_finetune.training.run import ordered_rows
from assistant_finetune.training.settings import Method, Settings
from assistant_finetune.training.trainer import Job, make_trainer
from bench.peers.training import task
from bench.peers.training.meter import Meter


class Ours:
    """Rows of our packing through our trainer."""

    def __init__(self, model: str, chats: str, folder: str, *options: str) -> None:
        """Prepare the data and load the base; `options` may be `checkpointing` and `nf4`."""
        local, run = locate(model), Path(folder)
        method: Method = "qlora" if "nf4" in options else "lora"
        settings = Settings(
            base=model,
            data=(chats,),
            method=method,
            max_length=task.MAX_LENGTH,
            held_out=0.0,
            scrub=False,
            batch_size=task.ROWS,
            micro_batch_size=1,
            learning_rate=task.LEARNING_RATE,
            rank=task.RANK,
            optimizer="adamw",
            precision=fastest_precision(),
            adapter_precision="fp32",
            unpacked=method == "qlora",
            checkpointing="checkpointing" in options,
        )
        prepared, _ = prepare(settings, local, run)
        steps = math.ceil(prepared.rows[0] / settings.batch_size)
        settings = settings.with_changes(max_steps=steps, evaluate_every=steps)
        unpacked = bool(settings.unpacked)
        base = load_base(local, method, settings.precision, "cpu", unpacked=unpacked)
        metrics = Metrics(run / "metrics.jsonl", steps, lambda: 0, lambda: 0, lambda _: None)
        once = range(prepared.rows[0])  # a run would fill its last step from the next epoch
        rows = ordered_rows(settings, prepared, run).select(once)
        checkpoints = Checkpoints(run / "checkpoints")
        job = Job(base, local.folder, settings, rows, None, checkpoints, metrics.log)
        self._meter = Meter(make_trainer(job))
        self.description = ", ".join(("ours", settings.precision, *options))

    def epoch(self) -> dict[str, Any]:
        """See `Meter`."""
        return dataclasses.asdict(self._meter.epoch())
