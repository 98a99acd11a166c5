"""The program's own process: it runs what a model wrote, and is asked for its function's values.

Whatever the program does to this process, to its modules or to these functions, it can only change
what it answers; the answers are compared elsewhere.
"""

import os
import resource
from typing import Any

from assistant_eval.code.inside.values import decode, encode, receive, send

INBOX, OUTBOX = 3, 4
_FILES = 64
_HIGH = 1000
"""Above all files that are open yet."""
_TOLD = 300


def play(inbox: int, outbox: int) -> None:
    """Take a program, and answer until nobody asks any more."""
    _keep_only(inbox, outbox)
    told = receive(INBOX)
    _limit(told["limits"])
    try:
        # Another name than `__main__`: what a program does when it is run alone is not asked for.
        namespace: dict[str, Any] = {"__name__": "program"}
        exec(compile(told["program"], "program.py", "exec"), namespace)
        function = namespace[told["entry_point"]]
    except KeyError:
        send(OUTBOX, ["raised", "NameError", f"it defines no {told['entry_point']}"])
    except BaseException as error:
        send(OUTBOX, _raised(error))
    else:
        send(OUTBOX, ["ready"])
        _answer(function)


def _answer(function: Any) -> None:
    while True:
        try:
            args, kwargs = receive(INBOX)
        except EOFError:
            return
        try:
            value = function(*decode(args), **decode(kwargs))
            answer = ["value", encode(value)]
        except BaseException as error:
            answer = _raised(error)
        try:
            send(OUTBOX, answer)
        except ValueError as error:
            send(OUTBOX, _raised(error))


def _raised(error: BaseException) -> list[str]:
    try:
        told = str(error)[:_TOLD]
    except BaseException:
        told = ""
    return ["raised", type(error).__name__, told]


def _keep_only(inbox: int, outbox: int) -> None:
    """Close everything but the two pipes; what it reads is empty, and what it prints is lost."""
    # By way of high numbers: neither may be closed by what takes its place.
    high = [os.dup2(one, _HIGH + place) for place, one in enumerate((inbox, outbox))]
    for place, one in zip((INBOX, OUTBOX), high, strict=True):
        os.dup2(one, place)
    null = os.open("/dev/null", os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.closerange(OUTBOX + 1, _HIGH + 2)


def _limit(limits: dict[str, int]) -> None:
    for name, value in (
        (resource.RLIMIT_CPU, limits["seconds"]),
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_FSIZE, limits["file_bytes"]),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        # A second more for the hard limit: the first signal says what it is for.
        hard = value + 1 if name == resource.RLIMIT_CPU else value
        resource.setrlimit(name, (value, hard))
