"""How the model server stands beside what else runs on the machine."""

import os
from contextlib import suppress

NICE = 3


def stand_back() -> None:
    """Let others go first where all want to compute: what people type into, before anything else.

    On a machine that is idle otherwise this costs nothing; beside a program that computes all the
    time, about half of the speed. Without it, a language server that a key wakes waits for a turn
    of the scheduler, some milliseconds, behind the model's threads.

    It is the priority among what was started together, as an editor and all that it starts. That
    of a whole session (`/proc/self/autogroup`) stays as it is: a session that steps back comes
    behind all background work of others, however far back that stands.
    """
    with suppress(OSError):
        os.nice(NICE)
