"""The only file that knows TRL and PEFT: the training loop, on rows that are given as they are.

What it leans on is held by `tests/finetune/training/test_trainer.py`: labels reach the loss
untouched, rows with restarting positions compute what their samples compute alone, and training
that was interrupted goes on to the same weights.
"""

import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch.utils.data import SequentialSampler
from transformers import (
    AutoTokenizer,
    PrinterCallback,
    ProgressCallback,
    TrainerCallback,
)
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from assistant.errors import UsageError
from assistant.prompts import IGNORED
from assistant_finetune.training.base import Base, linear_names
from assistant_finetune.training.checkpoints import Checkpoints
from assistant_finetune.training.loss import add_learned_losses, is_plain_head
from assistant_finetune.training.low_rank import join_adapters
from assistant_finetune.training.norms import join_norms
from assistant_finetune.training.processes import this_process
from assistant_finetune.training.settings import Settings

# Parts of the libraries that have no type annotations, or wrong ones.
_Trainer: Any = SFTTrainer
_Config: Any = SFTConfig
_Callback: Any = TrainerCallback
_Tokenizer: Any = AutoTokenizer
_get_peft_model: Any = get_peft_model

OnLog = Callable[[dict[str, float]], object]
"""Is told what was measured: `step`, and `loss` or `held_out_loss`, among others."""


_MULTIPLE = 64
"""Rows are padded to so many tokens: a CPU's library keeps memory for each shape that it meets."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is trained, on what, and where it is kept."""

    base: Base
    base_folder: Path
    settings: Settings
    """With nothing left to choose."""
    rows: Any
    """A data set whose columns are those of a `Row`, in the order in which it is learned."""
    held_out: Any
    """Such a data set, or None where nothing is held out."""
    checkpoints: Checkpoints
    on_log: OnLog
    stops: Callable[[], bool] = lambda: False
    """Asked behind every step: whether to keep a checkpoint and train no further."""


def adapted(base: Base, settings: Settings) -> Any:
    """The base with a new adapter in it, or the base itself where all of it is trained.

    Raises UsageError for layers that the model has not, and for DoRA on a GPTQ base.
    """
    if settings.method == "full":
        return base.model
    if settings.dora and base.quantization == "gptq":
        raise UsageError("DoRA cannot be trained on GPTQ weights: leave out dora")
    rank = settings.rank or 16
    config = LoraConfig(
        r=rank,
        lora_alpha=settings.alpha or rank,
        lora_dropout=settings.dropout,
        target_modules=list(linear_names(base.model, settings.targets)),
        use_rslora=settings.rslora,
        use_dora=settings.dora,
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(settings.seed)
    model = _get_peft_model(base.model, config)
    if base.model.device.type == "cpu":
        join_adapters(model)
        join_norms(model)
    return model


def make_trainer(job: Job) -> Any:
    """A trainer whose `train(resume_from_checkpoint=...)` does the work."""
    model = adapted(job.base, job.settings)
    tokenizer = _Tokenizer.from_pretrained(job.base_folder, local_files_only=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = _RowTrainer(job, model, tokenizer)
    trainer.remove_callback(PrinterCallback)
    trainer.remove_callback(ProgressCallback)
    if job.settings.adapter_precision == "fp32":
        # The library makes adapters on NF4 bfloat16, in which small steps of learning vanish.
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
    return trainer


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Rows as tensors `[rows, tokens]`, the shorter ones padded behind.

    There is no attention mask: attention is made from the positions, each of whose restarts begins
    a sample of its own, the padding's too.
    """
    longest = max(len(row["input_ids"]) for row in rows)
    length = -(-longest // _MULTIPLE) * _MULTIPLE

    def padded(key: str, fill: float, dtype: torch.dtype) -> torch.Tensor:
        whole = torch.full((len(rows), length), fill, dtype=dtype)
        for place, row in zip(whole, rows, strict=True):
            place[: len(row[key])] = torch.tensor(row[key], dtype=dtype)
        return whole

    positions = torch.arange(length).repeat(len(rows), 1)
    for place, row in zip(positions, rows, strict=True):
        own = len(row["position_ids"])
        place[:own] = torch.tensor(row["position_ids"])
        place[own:] = torch.arange(length - own)
    return {
        "input_ids": padded("input_ids", 0, torch.long),
        "labels": padded("labels", IGNORED, torch.long),
        "weights": padded("weights", 0.0, torch.float32),
        "position_ids": positions,
    }


class _RowTrainer(_Trainer):  # type: ignore[misc]
    """TRL's trainer with our rows, our loss, our measurement and checkpoints that are whole."""

    def __init__(self, job: Job, model: Any, tokenizer: Any) -> None:
        self._job = job
        self.control: Any
        self.learned = 0
        """Tokens learned so far, by all processes together."""
        super().__init__(
            model=model,
            args=_config(job),
            train_dataset=job.rows,
            eval_dataset=job.held_out,
            data_collator=collate,
            processing_class=tokenizer,
            callbacks=[_Watcher(job)],
        )
        self._sparse = job.base.model.device.type == "cpu" and is_plain_head(job.base.model)
        if self._sparse:
            add_learned_losses(job.base.model)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The sum over the learned tokens, divided by how many of them the whole step has."""
        total, count = self._losses(model, inputs)
        if num_items_in_batch is not None:
            count = torch.as_tensor(num_items_in_batch)
        loss = total / count.clamp(min=1)
        if num_items_in_batch is not None and self.args.average_tokens_across_devices:
            loss = loss * self.accelerator.num_processes  # which averages gradients afterwards
        return (loss, None) if return_outputs else loss

    def _losses(self, model: Any, inputs: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        if self._sparse:
            total, count = model(**inputs)
            return total, count
        weights = inputs["weights"]
        given = {key: value for key, value in inputs.items() if key != "weights"}
        outputs = model(**given, use_cache=False, fused_lm_head=True)
        return -(outputs.log_probs * weights[:, 1:]).sum(), outputs.label_mask.sum()

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> Any:
        """The micro-batches of a step, and how many tokens are learned in it."""
        batches, count = super().get_batch_samples(*args, **kwargs)
        self.learned += int(count or 0)
        return batches, count

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The mean loss over all learned tokens that are held out."""
        metrics = {"eval_loss": self.mean_loss(self._job.held_out)}
        self.log(dict(metrics))
        control: Any = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        self.control = control
        return metrics

    def mean_loss(self, rows: Any) -> float:
        """The mean loss over all learned tokens of rows, which all processes measure together."""
        self.model.eval()
        for module in self.model.modules():
            if hasattr(getattr(module, "weight", None), "quant_state"):
                # Outside of training these rearrange their weights, and back for the next step.
                module.training = True
        total, count = 0.0, 0
        with torch.no_grad(), self.compute_loss_context_manager():
            for inputs in self._own(rows):
                summed, learned = self._losses(self.model, self._prepare_inputs(inputs))
                total += float(summed)
                count += int(learned)
        found = torch.tensor([total, count], dtype=torch.float64, device=self.args.device)
        total, count = self.accelerator.reduce(found, "sum").tolist()
        self.model.train()
        return float(total / max(count, 1))

    def _own(self, rows: Any) -> Iterator[dict[str, torch.Tensor]]:
        """The micro-batches of the rows that this process measures: each row once."""
        here = this_process()
        own = rows.select(range(here.rank, len(rows), here.count))
        size = self.args.per_device_eval_batch_size
        for start in range(0, len(own), size):
            yield collate([own[row] for row in range(start, min(start + size, len(own)))])

    def _get_train_sampler(self, *_: Any, **__: Any) -> Any:
        return SequentialSampler(self.train_dataset)

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._job.checkpoints.unfinished)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        kept = self._job.checkpoints
        if this_process().is_first:
            shutil.rmtree(kept.unfinished, ignore_errors=True)
            kept.unfinished.mkdir(parents=True)
        self.accelerator.wait_for_everyone()
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()  # each has written how its random numbers stand
        if this_process().is_first:
            kept.keep(self.state.global_step, self.state.best_global_step)
        self.accelerator.wait_for_everyone()

    def _send_telemetry(self) -> None:
        """Nobody is told of a run: TRL would tell its makers."""

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """The run's folder has a report of its own."""


class _Watcher(_Callback):  # type: ignore[misc]
    """Tells what was measured, and ends a run that no longer gets better."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        logs = dict(logs or {})
        if not this_process().is_first:
            return
        if "eval_loss" in logs:
            self._job.on_log({"step": state.global_step, "held_out_loss": logs["eval_loss"]})
        elif "loss" in logs:
            names = ("loss", "grad_norm", "learning_rate")
            told = {name: float(logs[name]) for name in names if name in logs}
            self._job.on_log({"step": state.global_step, **told})

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step >= state.max_steps:
            control.should_save = True
            control.should_evaluate = self._job.held_out is not None
        elif self._job.stops():
            control.should_save = True
            control.should_training_stop = True

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        since_best = len(losses) - 1 - losses.index(min(losses)) if losses else 0
        if 0 < self._job.settings.patience <= since_best:
            control.should_training_stop = True
            control.should_save = True


def _config(job: Job) -> Any:
    settings = job.settings
    every = settings.evaluate_every or 100
    return _Config(
        output_dir=str(job.checkpoints.folder),
        max_steps=settings.max_steps,
        per_device_train_batch_size=settings.micro_batch_size,
        per_device_eval_batch_size=settings.micro_batch_size,
        gradient_accumulation_steps=settings.accumulation(this_process().count),
        learning_rate=settings.learning_rate,
        lr_scheduler_type=_SCHEDULES[settings.schedule],
        warmup_steps=settings.warmup,  # below 1 it is a share of all steps
        weight_decay=settings.weight_decay,
        adam_beta2=settings.adam_beta2,
        max_grad_norm=settings.max_grad_norm,
        optim=_optimizer(settings, job.base.model.device.type),
        neftune_noise_alpha=settings.neftune or None,
        gradient_checkpointing=bool(settings.checkpointing),
        activation_offloading=settings.offload and job.base.model.device.type != "cpu",
        bf16=settings.precision == "bf16",
        seed=settings.seed,
        use_cpu=job.base.model.device.type == "cpu",
        logging_strategy="steps",
        logging_steps=1,
        eval_strategy="no" if job.held_out is None else "steps",
        eval_steps=every,
        metric_for_best_model=None if job.held_out is None else "eval_loss",
        greater_is_better=None if job.held_out is None else False,
        save_strategy="steps",
        save_steps=every,
        disable_tqdm=True,
        report_to="none",
        remove_unused_columns=False,
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_pin_memory=False,
        ddp_find_unused_parameters=_leaves_some_out(job.base.model),
    )


def _leaves_some_out(model: Any) -> bool:
    """Whether a pass may not touch all parameters, as with a mixture of experts."""
    config = model.config.get_text_config()
    return any(getattr(config, name, None) for name in ("num_experts", "num_local_experts"))


_SCHEDULES = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


def _optimizer(settings: Settings, device: str) -> str:
    """The library's name; paged ones move to the computer's memory when the GPU's is full."""
    if device == "cuda" and settings.method != "full":
        return "paged_adamw_8bit" if settings.optimizer == "adamw-8bit" else "paged_adamw_32bit"
    return "adamw_8bit" if settings.optimizer == "adamw-8bit" else "adamw_torch"
