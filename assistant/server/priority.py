"""How the model server stands beside what else runs on the machine."""

import os
from contextlib import suppress

NICE = 3


def stand_back() -> None:
    """Let others go first where all want to compute: what people type into, before anything else.

    A language server that a key wakes waits for a turn of the scheduler, some milliseconds, behind
    the model's threads. Where Linux schedules sessions as groups (`sched_autogroup_enabled`) this
    changes nothing between them. The priority of the whole session (`/proc/self/autogroup`) would,
    but a session that steps back comes behind all background work of others, however far back that
    stands.
    """
    with suppress(OSError):
        os.nice(NICE)
