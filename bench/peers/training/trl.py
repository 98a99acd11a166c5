"""TRL's SFTTrainer with packing and loss on the assistant's tokens alone."""

import dataclasses
import importlib.metadata
from typing import Any

from datasets import Dataset
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from bench.peers.training import task
from bench.peers.training.meter import Meter

_Config: Any = SFTConfig
_Trainer: Any = SFTTrainer


class Trl:
    """Chats as they are, rendered, packed and learned by TRL."""

    def __init__(self, model: str, chats: str, folder: str, *options: str) -> None:
        """`options` may be `checkpointing`, which is TRL's default, and `together`: the rows of a
        step at once, which are one long row to it, and not one after the other."""
        loaded, tokenizer = task.load(model)
        at_once = task.ROWS if "together" in options else 1
        config = _Config(
            output_dir=folder,
            packing=True,
            assistant_only_loss=True,
            max_length=task.MAX_LENGTH,
            num_train_epochs=1,
            per_device_train_batch_size=at_once,
            gradient_accumulation_steps=task.ROWS // at_once,
            gradient_checkpointing="checkpointing" in options,
            learning_rate=task.LEARNING_RATE,
            use_cpu=True,
            bf16=True,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
        )
        trainer = _Trainer(
            model=loaded,
            args=config,
            train_dataset=Dataset.from_list(task.read_chats(chats)),
            processing_class=tokenizer,
            peft_config=task.adapter(),
        )
        self._meter = Meter(trainer)
        version = importlib.metadata.version("trl")
        self.description = f"TRL {version}" + "".join(f", {option}" for option in options)

    def epoch(self) -> dict[str, Any]:
        """See `Meter`."""
        return dataclasses.asdict(self._meter.epoch())
