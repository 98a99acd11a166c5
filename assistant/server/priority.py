"""How the model server stands beside what else runs on the machine."""

import os
import sys
from contextlib import suppress
from pathlib import Path

NICE = 5
_GROUP = Path("/proc/self/autogroup")


def stand_back() -> None:
    """Let others go first where all want to compute: what people type into, before anything else.

    On a machine that is idle otherwise this costs nothing. Without it, a language server that is
    woken by a key waits up to a turn of the scheduler, some milliseconds, whenever the model
    computes on all processors.

    To be called in a process that leads a session of its own. Linux may share the processors out
    between sessions before it looks at the processes within, so the session steps back too.
    """
    with suppress(OSError):
        os.nice(NICE)
    if sys.platform == "linux" and os.getsid(0) == os.getpid():
        # There are systems without such groups, and inside of a container's group they count for
        # nothing.
        with suppress(OSError):
            _GROUP.write_text(str(NICE))
