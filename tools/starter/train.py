"""Trains the starter: `python -m tools.starter.train`, interrupted and resumed as one likes.

The run folder holds `checkpoint.pt` (this training's own state, never shipped), `metrics.jsonl` and
`plan.json`; see `plan.py` for how training is brought to an end.
"""

import argparse
import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from tools.starter import model as models
from tools.starter import plan as plans
from tools.starter.documents import Corpus
from tools.starter.history import WEIGHTS, Start
from tools.starter.samples import IGNORED, MIX, Sampler, batch

CHECKPOINT_SECONDS = 240
LOG_EVERY, EVALUATE_EVERY = 20, 200
MUON_RATE, ADAM_RATE = 0.02, 3e-3
DEVELOPMENT_SEED = 7


class Training:
    """A model, its optimizers, and how far they have come."""

    def __init__(self, run: Path, seed: int) -> None:
        self.run, self.seed = run, seed
        self.step, self.tokens = 0, 0
        self.model = models.new(seed)
        hidden, rest = _split(self.model)
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(hidden, lr=MUON_RATE),
            torch.optim.AdamW(rest, lr=ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self.rates = (MUON_RATE, ADAM_RATE)
        fast = Tokenizer.from_file(str(run / "tokenizer.json"))
        corpus = Corpus(run)
        self.sampler = Sampler(corpus, fast)
        self.development = Sampler(corpus, fast, "development")
        self._loss = torch.compile(models.loss, dynamic=False)

    def load(self, start: Path | None = None) -> None:
        """Go on from the run's checkpoint; without one, from the weights in the folder `start`."""
        path = self.run / "checkpoint.pt"
        if not path.exists():
            if start is not None:
                self._begin_from(start)
            return
        state = torch.load(path, weights_only=True)
        self.step, self.tokens, self.seed = state["step"], state["tokens"], state["seed"]
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        torch.set_rng_state(state["rng"])

    def _begin_from(self, folder: Path) -> None:
        weights = {name: value.float() for name, value in load_file(folder / WEIGHTS).items()}
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
        self.model.load_state_dict(weights)
        Start.of(folder).write(self.run)

    def save(self) -> None:
        """Write the checkpoint whole or not at all."""
        state = {
            "step": self.step,
            "tokens": self.tokens,
            "seed": self.seed,
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "rng": torch.get_rng_state(),
        }
        part = self.run / "checkpoint.pt.part"
        torch.save(state, part)
        part.replace(self.run / "checkpoint.pt")

    def advance(self, plan: plans.Plan) -> float:
        """One step; gives the loss for each learned token."""
        data = batch(self.sampler, self.seed, self.step, plan.rows, plan.window)
        inputs, targets = _tensors(data)
        count = int((targets != IGNORED).sum())
        loss = self._loss(self.model, inputs, targets) / count
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer, rate in zip(self.optimizers, self.rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * plan.factor(self.step)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += inputs.numel()
        return float(loss.detach())

    @torch.no_grad()
    def evaluate(self, rows: int = 8, window: int = 512) -> dict[str, float]:
        """The loss of each kind of sample on the development files, the same ones every time."""
        losses = {}
        for kind in MIX:
            data = _tensors(batch(self.development, DEVELOPMENT_SEED, 0, rows, window, {kind: 1.0}))
            total = float(models.loss(self.model, *data))
            losses[kind] = total / int((data[1] != IGNORED).sum())
        return losses


def _split(
    model: LlamaForCausalLM,
) -> tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]]:
    """The hidden matrices, which Muon trains, and the rest."""
    hidden: list[torch.nn.Parameter] = []
    rest: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        inner = parameter.ndim == 2 and "embed" not in name and "lm_head" not in name
        (hidden if inner else rest).append(parameter)
    return hidden, rest


def _tensors(
    data: tuple[list[tuple[int, ...]], list[tuple[int, ...]]],
) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(data[0]), torch.tensor(data[1])


class Journal:
    """Writes `metrics.jsonl`: the smoothed loss and the speed, and the development losses."""

    def __init__(self, training: Training) -> None:
        self._training = training
        self._tokens, self._since = training.tokens, time.monotonic()
        self._loss: float | None = None

    def note(self, loss: float, plan: plans.Plan) -> None:
        """Take in one step's loss, and write every 20 steps."""
        training = self._training
        self._loss = loss if self._loss is None else 0.95 * self._loss + 0.05 * loss
        if training.step % LOG_EVERY == 0:
            seconds = time.monotonic() - self._since
            self._write(
                step=training.step,
                tokens=training.tokens,
                loss=round(self._loss, 4),
                factor=round(plan.factor(training.step - 1), 4),
                window=plan.window,
                tokens_per_second=round((training.tokens - self._tokens) / seconds),
                at=time.strftime("%H:%M:%S"),
            )
            self._tokens, self._since = training.tokens, time.monotonic()
        if training.step % EVALUATE_EVERY == 0:
            losses = {kind: round(value, 4) for kind, value in training.evaluate().items()}
            self._write(step=training.step, development=losses)

    def _write(self, **entry: Any) -> None:
        with (self._training.run / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)


def loop(training: Training) -> None:
    """Train until the plan's end or a signal, with checkpoints and metrics on the way."""
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    journal, saved = Journal(training), time.monotonic()
    plan = plans.read(training.run)
    while not stopping and (plan.steps is None or training.step < plan.steps):
        journal.note(training.advance(plan), plan)
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            training.save()
            saved = time.monotonic()
        plan = plans.read(training.run)
    training.save()


def main() -> None:
    """Start, or go on where the run folder's checkpoint stands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=Path(".starter"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--from", dest="start", type=Path, metavar="FOLDER", help="weights to begin with"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, help="where the learning rate reaches zero")
    parser.add_argument("--cooldown-from", type=int, help="the step at which it starts to fall")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--window", type=int)
    options = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    torch.set_num_threads(options.threads)
    names = ("steps", "cooldown_from", "rows", "window")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    plans.write(options.run, replace(plans.read(options.run), **given))
    training = Training(options.run, options.seed)
    training.load(options.start)
    loop(training)


if __name__ == "__main__":
    main()
