"""Our own MMLU, as `assistant eval mmlu` does it."""

import os
import time
from pathlib import Path
from typing import Any

# As assistant.engine.threads has it for the command; read once, when PyTorch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

import torch

from assistant.registry import locate
from assistant_eval.encoding import Encoder
from assistant_eval.mmlu.answers import ask
from assistant_eval.mmlu.folder import read_folder
from assistant_eval.mmlu.prompts import prepare
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.questions import MOST_SHOTS
from assistant_eval.model import Examined
from assistant_eval.reading import Reader
from assistant_finetune.training.listening import process_peak_bytes
from bench.peers.mmlu.sitting import Found, Sitting, as_fields, letters_of


class Ours:
    """The protocol `harness`."""

    def __init__(self, model: str, data: str, dtype: str, shots: int = MOST_SHOTS) -> None:
        """Load the model."""
        self._examined = Examined(locate(model), device="cpu", dtype=getattr(torch, dtype))
        self._exam, self._shots = read_folder(Path(data), shots), shots
        self._reader = Reader(self._examined.load())
        self.description = f"ours, {dtype}"

    def sit(self) -> dict[str, Any]:
        """Have all questions answered; prompts are written within the time."""
        begin = time.perf_counter()
        found = self.likelihoods()
        seconds = time.perf_counter() - begin
        return as_fields(Sitting(seconds, len(found), process_peak_bytes(), letters_of(found)))

    def likelihoods(self) -> Found:
        """The log-likelihoods of the letters."""
        encoder = Encoder(self._examined.tokenizer)
        protocols = [PROTOCOLS["harness"]]
        prompts = prepare(self._exam, protocols, self._shots, encoder, self._examined.context)
        return {
            (answer.subject, answer.number): [
                one for one in answer.likelihoods or () if one is not None
            ]
            for answers in ask(self._reader, prompts.batches)
            for answer in answers
        }
