"""`generate` of transformers, with its own attention and its own cache. It reuses no prompt."""

import time
from typing import Any

import torch
import transformers
from transformers.generation.streamers import BaseStreamer

from bench.peers.task import Task, Timing

_Models: Any = transformers.AutoModelForCausalLM


class _Clock(BaseStreamer):
    """Notes when a token was made; its first call brings the prompt."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: torch.Tensor) -> None:
        """Note the time."""
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing is left to do."""


class Generate:
    """A model's folder, as its weights are saved: bfloat16 or GPTQ."""

    def __init__(self, path: str) -> None:
        """Load it."""
        self._model = _Models.from_pretrained(
            path, dtype=torch.bfloat16, local_files_only=True, use_safetensors=True
        ).eval()
        form = "GPTQ" if getattr(self._model.config, "quantization_config", None) else "bfloat16"
        self.description = f"generate of transformers {transformers.__version__}, {form}"

    def answer(self, task: Task) -> Timing:
        """See `Contender`."""
        prompt = torch.tensor([task.ids])
        clock = _Clock()
        begun = time.perf_counter()
        self._model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=len(task.answer),
            do_sample=False,
            eos_token_id=None,
            pad_token_id=0,
            streamer=clock,
        )
        first = clock.times[1]
        return Timing(first - begun, clock.times[-1] - first, len(clock.times) - 1)
