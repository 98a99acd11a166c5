"""An interrupt, from a key or from `--stop`, as a wish: the run ends where it can go on from."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

from assistant.errors import UsageError
from assistant_finetune.training.processes import this_process
from assistant_finetune.training.run_folder import RunFolder

_SECONDS = 0.1
"""Between two looks at a run that was told to stop."""


class Wish:
    """Whether the run was told to stop."""

    def __init__(self) -> None:
        self.told = False


@contextmanager
def interrupts_as_wishes(remark: Callable[[str], object]) -> Iterator[Wish]:
    """The first interrupt of the block becomes a wish, and is remarked; the second one interrupts.

    Several processes that train together are interrupted at once: the others wait for a step that
    the first one would leave out.
    """
    wish = Wish()
    if this_process().count > 1 or threading.current_thread() is not threading.main_thread():
        yield wish
        return
    before = signal.getsignal(signal.SIGINT)

    def interrupted(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        wish.told = True
        remark("stopping after this step, whose weights are kept; once more stops at once")

    signal.signal(signal.SIGINT, interrupted)
    try:
        yield wish
    finally:
        signal.signal(signal.SIGINT, before)


def stop(run: RunFolder) -> None:
    """Interrupt the process that trains a run, and wait until it has ended.

    Raises UsageError where none does.
    """
    run.settings()
    number = run.process
    if number is None:
        raise UsageError(f"{run.name} is not under way: there is nothing to stop")
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(number)
        process.send_signal(signal.SIGINT)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(_SECONDS)
