"""llama.cpp through its C interface, with what is best for it: flash attention, both cores."""

import ctypes
import os
import time
from collections.abc import Sequence
from typing import Any

import llama_cpp

from bench.peers.task import Task, Timing

# Its annotations describe ctypes' types, which no caller has in hand.
_api: Any = llama_cpp
_FLASH_ATTENTION = 1
_BATCH = 512


@_api.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(level: int, text: bytes, data: object) -> None:
    """Nothing of its log is asked for."""


class LlamaCpp:
    """A GGUF file. It keeps the last prompt's keys and values, as its own server does."""

    def __init__(self, path: str, context: int = 2048) -> None:
        """`context` is how many tokens prompt and answer may have."""
        _api.llama_log_set(_silent, ctypes.c_void_p())
        _api.llama_backend_init()
        self._model = _api.llama_model_load_from_file(
            path.encode(), _api.llama_model_default_params()
        )
        if not self._model:
            raise ValueError(f"llama.cpp cannot load {path}")
        self._context = _api.llama_init_from_model(self._model, self._settings(context))
        self._memory = _api.llama_get_memory(self._context)
        self._greedy = _api.llama_sampler_init_greedy()
        self._held: list[int] = []
        version = _api.__version__
        self.description = f"llama.cpp, {os.path.basename(path)} (llama-cpp-python {version})"

    def answer(self, task: Task) -> Timing:
        """See `Contender`."""
        begun = time.perf_counter()
        self._choose(self.unread(task))
        first = time.perf_counter()
        for token in task.answer[:-1]:
            self._choose([token])
        return Timing(first - begun, time.perf_counter() - first, len(task.answer))

    def tokens(self, ids: Sequence[int], number: int) -> list[int]:
        """The likeliest answer of its own."""
        made = [self._choose(self.unread(Task(ids, ())))]
        while len(made) < number:
            made.append(self._choose(made[-1:]))
        return made

    def _settings(self, context: int) -> Any:
        settings = _api.llama_context_default_params()
        settings.n_ctx = context
        settings.n_batch = settings.n_ubatch = _BATCH
        settings.n_threads = settings.n_threads_batch = os.cpu_count() or 1
        settings.flash_attn_type = _FLASH_ATTENTION
        return settings

    def unread(self, task: Task) -> Sequence[int]:
        """What of the prompt is to be read; of what stands in the cache, only the prompt stays."""
        same = 0
        if not task.fresh:
            for held, wanted in zip(self._held, task.ids[:-1], strict=False):
                if held != wanted:
                    break
                same += 1
        _api.llama_memory_seq_rm(self._memory, 0, same, -1)
        del self._held[same:]
        return task.ids[same:]

    def _choose(self, ids: Sequence[int]) -> int:
        """Read `ids`, and the likeliest token behind them."""
        for begin in range(0, len(ids), _BATCH):
            part = ids[begin : begin + _BATCH]
            numbers = (_api.llama_token * len(part))(*part)  # the batch only points to it
            batch = _api.llama_batch_get_one(numbers, len(part))
            if _api.llama_decode(self._context, batch) != 0:
                raise RuntimeError("llama.cpp could not decode a batch")
        self._held.extend(ids)
        return int(_api.llama_sampler_sample(self._greedy, self._context, -1))
