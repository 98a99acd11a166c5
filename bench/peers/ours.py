"""The engine, in its own process as in the server's."""

import gc
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# As assistant.engine.threads has it for the server; read once, when PyTorch is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "2000")

import torch

from assistant.engine.engine import Engine
from assistant.engine.load import LoadOptions, load_model
from assistant.engine.requests import CancelToken, Chunk, Job, Priority, Usage
from assistant.engine.sampling import Sampler
from assistant.engine.threads import end_workers
from assistant.messages import SamplingParams
from assistant.prompts import Prompt
from assistant.registry import LocalModel
from bench.peers.task import Task, Timing

Ids = Sequence[int]
_READ = 400_000_000


class Told(Sampler):
    """Finds the likeliest token as ever, and then takes the next one of a given answer."""

    def __init__(self, answer: Sequence[int]) -> None:
        """`answer` has all tokens that will be asked for."""
        super().__init__(SamplingParams())
        self._answer = iter(answer)

    def choose(self, logits: torch.Tensor) -> int:
        """See `Sampler.choose`."""
        super().choose(logits)
        return next(self._answer)


class Stream:
    """An answer on its way, and when its pieces came."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.first = self.last = 0.0
        self.first_steps = 0
        """The engine's passes when the first piece came."""
        self.usage: Usage | None = None
        self.error: Exception | None = None
        self.begun = threading.Event()
        self.ended = threading.Event()

    def take(self, piece: Chunk | Exception) -> None:
        """See `Deliver`."""
        self.last = time.perf_counter()
        if not self.first:
            self.first, self.first_steps = self.last, self._engine.stats().steps
            self.begun.set()
        if isinstance(piece, Exception):
            self.error = piece
        elif piece.usage is None:
            return
        else:
            self.usage = piece.usage
        self.ended.set()

    def wait(self) -> Usage:
        """What it took, at its end. Raises what ended it."""
        self.ended.wait()
        if self.usage is None:
            raise self.error or RuntimeError("an answer ended without its usage")
        return self.usage


class Ours:
    """A model's folder in the engine."""

    def __init__(self, path: str, quantization: str = "none") -> None:
        """`quantization` is how to load weights that are not quantized already."""
        folder = Path(path)
        options: Any = {"quantization": quantization}
        loaded = load_model(LocalModel(folder.name, folder), LoadOptions(**options))
        self._engine = Engine(loaded)
        gc.collect()
        gc.freeze()  # as in the server
        self.description = f"assistant, {loaded.description.line()}"

    def answer(self, task: Task) -> Timing:
        """See `Contender`."""
        if task.fresh:
            self._engine.forget()
        begun = time.perf_counter()
        stream = self._begin(task.ids, task.answer, Job(), guess=task.guess)
        usage = stream.wait()
        first = stream.first - begun
        return Timing(
            first, stream.last - begun - first, usage.completion_tokens, usage.accepted_tokens
        )

    def streams(self, prompts: Sequence[Ids], answers: Sequence[Ids]) -> dict[str, float]:
        """Seconds and tokens of answers that are made at the same time, from nothing."""
        self._engine.forget()
        begun = time.perf_counter()
        streams = [
            self._begin(ids, answer, Job(client=str(number)))
            for number, (ids, answer) in enumerate(zip(prompts, answers, strict=True))
        ]
        tokens = sum(stream.wait().completion_tokens for stream in streams)
        return {"seconds": time.perf_counter() - begun, "tokens": tokens}

    def arrive(
        self, prompts: Sequence[Ids], answers: Sequence[Ids], typed: Ids, completion: Ids
    ) -> dict[str, float]:
        """A completion comes while chats are answered: passes and seconds to its first token.

        One pass means that its own pass was the next one.
        """
        self._engine.forget()
        cancel = CancelToken()
        chats = [
            self._begin(ids, answer, Job(client=str(number), cancel=cancel))
            for number, (ids, answer) in enumerate(zip(prompts, answers, strict=True))
        ]
        for chat in chats:
            chat.begun.wait()
        before, begun = self._engine.stats(), time.perf_counter()
        job = Job(priority=Priority.COMPLETION, client="editor")
        stream = self._begin(typed, completion, job)
        stream.begun.wait()
        stream.wait()
        cancel.cancel()
        for chat in chats:
            chat.ended.wait()
        return {
            "passes": stream.first_steps - before.steps,
            "seconds": stream.first - begun,
            "running": before.running,
        }

    @property
    def passes(self) -> int:
        """Passes through the model so far."""
        return self._engine.stats().steps

    def bandwidth(self) -> dict[str, float]:
        """Bytes a second that both cores read from memory: the limit of decoding."""
        numbers = torch.ones(_READ // 4)
        seconds = []
        for _ in range(5):
            begun = time.perf_counter()
            numbers.sum()
            seconds.append(time.perf_counter() - begun)
        end_workers()  # they would take the engine's chance to spin
        return {"bytes_per_second": _READ / min(seconds)}

    def weights(self) -> dict[str, float]:
        """Bytes of weights that are read to make one token: those of all linear layers."""
        modules = list(self._engine.loaded.model.modules())
        return {"bytes": sum(_read_bytes(one) for one in modules if hasattr(one, "in_features"))}

    def close(self) -> None:
        """End the engine."""
        self._engine.close()

    def _begin(self, ids: Ids, answer: Ids, job: Job, *, guess: bool = False) -> Stream:
        stream = Stream(self._engine)
        self._engine.submit(
            Prompt(tuple(ids), frozenset()),
            SamplingParams(max_tokens=len(answer)),
            job,
            stream.take,
            drafts=guess,
            sampler=Told(answer),
        )
        return stream


def _read_bytes(layer: Any) -> int:
    """Of a layer that has its weights in several forms, those of the 4-bit form."""
    parts = ("packed", "scales_and_zeros", "qweight", "scales", "weight")
    tensors = (getattr(layer, name, None) for name in parts)
    held = sum(one.nbytes for one in tensors if isinstance(one, torch.Tensor))
    return held or int(getattr(layer, "nbytes", 0))
