"""How the model server stands beside what else runs on the machine."""

import os
from contextlib import suppress
from pathlib import Path

NICE = 3
_SESSION = Path("/proc/self/autogroup")
"""Where Linux keeps the nice value of a whole session; see `sched(7)`, "The autogroup feature"."""


def stand_back() -> None:
    """Let others go first where all want to compute: what people type into, before anything else.

    A language server that a key wakes waits for a turn of the scheduler, some milliseconds, behind
    the model's threads. Where Linux schedules sessions as groups, the nice value of a process says
    how it stands within its session, and that of the session how it stands beside others: both are
    set, where the session is this process's own. A session that steps back comes behind background
    work of others too, however far back that stands in theirs: beside one that takes all
    processors a starter with nice 3 writes as fast as 10 % less to a third less, with 5 at a third of its speed,
    with 10 at a twelfth.

    Needs no privileges, and does nothing where there is no such thing.
    """
    with suppress(OSError):
        os.nice(NICE)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            _SESSION.write_text(str(NICE))
