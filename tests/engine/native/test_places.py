"""The threads of a pass compute on processors of their own, wherever Linux wakes them."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from assistant.engine.decoder import Decoder
from assistant.engine.load import LoadOptions, load_model
from assistant.engine.native.library import find_library
from assistant.engine.parts import Part
from assistant.engine.threads import end_workers
from assistant.registry import STARTER, locate

pytestmark = pytest.mark.skipif(
    find_library() is None or len(os.sched_getaffinity(0)) < 2,
    reason="there is no native library for this processor, or there is one processor",
)
_TASKS = Path("/proc/self/task")
_PROCESSOR = 36
"""Which of the fields behind a thread's name, in `stat`, says where it was last (proc(5))."""


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    found = Decoder.of(load_model(locate(STARTER), LoadOptions("cpu")).model)
    assert found is not None and found.native is not None
    return found


def in_thread(work: Callable[[], None]) -> None:
    """Run it where affinities and numbers of threads are nobody else's."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def tasks() -> set[int]:
    return {int(task.name) for task in _TASKS.iterdir()}


def place(task: int) -> int:
    """The processor that a thread was on last."""
    text = (_TASKS / str(task) / "stat").read_text()
    return int(text.rpartition(")")[2].split()[_PROCESSOR])


def test_two_that_were_on_one_processor_part(decoder: Decoder) -> None:
    together: list[bool] = []

    def compute() -> None:
        torch.set_num_threads(2)
        cache, before = decoder.new_cache(), tasks()
        decoder.forward([Part((1,), cache, 1)])
        (worker,) = tasks() - before
        master = threading.get_native_id()
        everywhere = os.sched_getaffinity(master)
        for token in range(20):
            for allowed in ({min(everywhere)}, everywhere):
                for task in (master, worker):
                    os.sched_setaffinity(task, allowed)
                decoder.forward([Part((token,), cache, 1)])
            together.append(place(worker) == place(master))
        end_workers()

    set_before = torch.get_num_threads()
    in_thread(compute)
    torch.set_num_threads(set_before)
    assert sum(together) <= len(together) / 4
