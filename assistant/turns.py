"""How this process stands beside others that want to compute, as Linux's scheduler takes it.

From sched(7) and sched_setattr(2). Nothing here needs privileges, and where the system has no such
thing nothing happens.
"""

import ctypes
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

_SESSION = Path("/proc/self/autogroup")
_SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""The number of the system call, for which older C libraries have no name."""
_KEEP_POLICY = 0x08


class _Attributes(ctypes.Structure):
    """`struct sched_attr`."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def step_back(nice: int) -> None:
    """Add to the nice value, so that others go first.

    Where Linux schedules sessions as groups, the nice value of a process only says how it stands
    within its session: one that leads its own has the session's raised as well.
    """
    with suppress(OSError):
        os.nice(nice)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            _SESSION.write_text(str(nice))


def stand_alone() -> None:
    """Begin a session, and with it a group that is scheduled apart from whoever started this."""
    with suppress(OSError):  # it leads a group of processes, as in Neovim: then a session, too
        os.setsid()


def take_turns_of(milliseconds: float) -> None:
    """Ask for turns that are so long, from 0.1 to 100, for this thread and those it will start.

    Since Linux 6.12 who wakes goes before one that computes with longer turns, and then has the
    processor for as long as its own. The share that each gets stays the same.
    """
    number = _SET_ATTRIBUTES.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return
    attributes = _Attributes(
        size=ctypes.sizeof(_Attributes),
        flags=_KEEP_POLICY,
        nice=os.getpriority(os.PRIO_PROCESS, 0),
        runtime=int(milliseconds * 1e6),
    )
    # What it returns says whether the kernel knows of it, and nothing can be done where not.
    ctypes.CDLL(None).syscall(number, 0, ctypes.byref(attributes), 0)
