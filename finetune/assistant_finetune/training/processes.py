"""Several processes that train one model, each on its share of the rows of a step.

PyTorch and accelerate do the work: each process computes its rows, and gradients are averaged over
all. Which of them a process is, and of how many, launchers say in the environment: ours, `torchrun`
and `accelerate launch` in the same words.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from assistant.errors import AssistantError

_PATIENCE = timedelta(days=1)
"""So long the others wait for the first, which prepares the data."""


@dataclass(frozen=True, slots=True)
class Process:
    """Which process this is."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    """Among those on this machine: the number of its GPU."""

    @property
    def is_first(self) -> bool:
        """Whether it is the one that writes files and tells how it goes."""
        return self.rank == 0


def this_process() -> Process:
    """What the environment says; by itself a process is the only one."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Process()
    rank = int(os.environ.get("RANK", "0"))
    return Process(rank, count, int(os.environ.get("LOCAL_RANK", rank)))


def first_does(work: Callable[[], str], device: str) -> str:
    """Have the first process do something; all get what came of it.

    `device` is the kind of it: `cpu` or `cuda`. Where the work fails, the first process raises what
    it raised, and the others end without a word.
    """
    here = this_process()
    if here.count == 1:
        return work()
    _meet(device)
    from accelerate.utils import broadcast_object_list

    told: list[Any] = [None]
    try:
        if here.is_first:
            told = [work()]
    finally:
        broadcast_object_list(told, from_process=0)
    if told[0] is None:
        raise SystemExit(1)
    return str(told[0])


@contextmanager
def others_fail_quietly() -> Iterator[None]:
    """Where another process has failed, which says why, this one only ends."""
    try:
        yield
    except RuntimeError as error:
        if this_process().count > 1 and "gloo" in str(error):
            raise SystemExit(1) from error
        raise


def _meet(device: str) -> None:
    """Connect with the others: through gloo on CPUs, NCCL on GPUs."""
    from accelerate import PartialState

    state: Any = PartialState
    state(cpu=device == "cpu", timeout=_PATIENCE)


def launch(count: int, arguments: Sequence[str], device: str) -> int:
    """Run `assistant ARGUMENTS` in so many processes to their end, and give their exit code.

    One that fails says why itself; the others are ended then. Raises AssistantError where the
    system killed one.
    """
    import logging

    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    if device == "cpu":
        # Each would take all cores for itself otherwise.
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=str(os.getpid()),
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
    )
    logging.disable(logging.ERROR)  # the launcher tells in dozens of lines what a process has told
    try:
        start: Any = elastic_launch(config, sys.executable)
        start("-m", "assistant", *arguments)
    except ChildFailedError as error:
        rank, first = min(error.failures.items(), key=lambda one: one[1].timestamp)
        if first.exitcode > 0:
            return first.exitcode
        raise AssistantError(
            f"process {rank + 1} of {count} was killed by signal {-first.exitcode}, as the system "
            "does where memory runs out: go on by --resume"
        ) from error
    except SignalException as error:
        raise KeyboardInterrupt from error
    finally:
        logging.disable(logging.NOTSET)
    return 0
