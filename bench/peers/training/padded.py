"""Padded batches, in the manner of the QLoRA paper's script (github.com/artidoro/qlora).

transformers' own trainer and loss; chats are padded behind to the longest of their batch. The
script holds the base in NF4, computes activations twice and puts chats of about one length
together: one at a time where it is told nothing else, and four with its settings for Guanaco.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
import transformers
from datasets import Dataset
from peft import get_peft_model, prepare_model_for_kbit_training
from torch.nn.utils.rnn import pad_sequence

from assistant.prompts import IGNORED
from bench.peers.training import task
from bench.peers.training.meter import Meter

_get_peft_model: Any = get_peft_model
_prepare: Any = prepare_model_for_kbit_training
_Trainer: Any = transformers.Trainer
_Arguments: Any = transformers.TrainingArguments
_GUANACO = 4
"""Chats that the paper's scripts for 7B to 33B compute at once, four times for a step."""


class Padded:
    """A chat is a row."""

    def __init__(self, model: str, chats: str, folder: str, *options: str) -> None:
        """`options` may be `checkpointing`; `grouped`, where the chats are sorted by length, which
        is the best that grouping of many more could do, and computed four at once; `single`, where
        each is computed alone and nothing is padded; and `nf4`."""
        nf4, checkpointing = "nf4" in options, "checkpointing" in options
        loaded, tokenizer = task.load(model, nf4=nf4)
        loaded.config.use_cache = False
        if checkpointing:
            loaded.enable_input_require_grads()
        grouped = "grouped" in options
        at_once = _GUANACO if grouped else 1 if "single" in options else task.CHATS
        rows = [_row(tokenizer, chat["messages"]) for chat in task.read_chats(chats)]
        if grouped:
            rows.sort(key=lambda row: -len(row["input_ids"]))
        self._pad = tokenizer.pad_token_id
        arguments = _Arguments(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=at_once,
            gradient_accumulation_steps=task.CHATS // at_once,
            train_sampling_strategy="sequential",
            gradient_checkpointing=checkpointing,
            learning_rate=task.LEARNING_RATE,
            lr_scheduler_type="constant",
            max_grad_norm=0.3,
            use_cpu=True,
            bf16=True,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        trainer = _Trainer(
            model=_adapted_nf4(loaded) if nf4 else _get_peft_model(loaded, task.adapter()),
            args=arguments,
            train_dataset=Dataset.from_list(rows),
            data_collator=self._collate,
        )
        self._meter = Meter(trainer)
        self.description = "padded" + "".join(f", {option}" for option in options)

    def epoch(self) -> dict[str, Any]:
        """See `Meter`."""
        return dataclasses.asdict(self._meter.epoch())

    def _collate(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        def padded(key: str, fill: int) -> torch.Tensor:
            found = [torch.tensor(row[key]) for row in rows]
            return pad_sequence(found, batch_first=True, padding_value=fill)

        ids = padded("input_ids", self._pad)
        labels = padded("labels", IGNORED)
        return {"input_ids": ids, "attention_mask": ids.ne(self._pad), "labels": labels}


def _adapted_nf4(loaded: Any) -> Any:
    """With norms in 32 bits, and all else that is not quantized in 16, as the script has it."""
    model = _get_peft_model(_prepare(loaded), task.adapter())
    for name, parameter in model.named_parameters():
        if parameter.dtype == torch.float32 and "norm" not in name:
            parameter.data = parameter.data.to(torch.bfloat16)
    return model


def _row(tokenizer: Any, messages: list[dict[str, str]]) -> dict[str, list[int]]:
    found = tokenizer.apply_chat_template(
        messages, return_dict=True, return_assistant_tokens_mask=True
    )
    ids, learned = found["input_ids"], found["assistant_masks"]
    labels = [number if own else IGNORED for number, own in zip(ids, learned, strict=True)]
    return {"input_ids": ids, "labels": labels}
