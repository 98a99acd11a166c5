"""The judge: it holds the tests, asks the program's process for values, and says what came of it.

A program passes when the tests ran to their end here, in a process whose memory and output the
program cannot reach: it is the first process of its own PID namespace (no signal from inside
touches it), there is no /proc, the system calls for tracing are closed, and the tests are read
only after the program's process was split off.
"""

import _thread
import builtins
import os
import random
import resource
import signal
import sys
import traceback
from typing import Any, NoReturn

from assistant_eval.code.inside.program import play
from assistant_eval.code.inside.values import decode, encode, receive, send

_TESTS = "tests"
_TOLD = 300
_UNREADABLE = "what the program gives back cannot be read"
_NEVER = ("AssertionError", "StopIteration", "StopAsyncIteration")


class Broken(BaseException):
    """The program can be asked no more. No test that catches exceptions is meant to catch it."""


class Candidate:
    """The program's function, as the tests call it."""

    def __init__(self, inbox: int, outbox: int, child: int) -> None:
        self._inbox, self._outbox, self._child = inbox, outbox, child
        self.broken: tuple[str, str] | None = None
        """Why it can be asked no more, whatever the tests made of that."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value for these arguments. Raises what the program raised."""
        if self.broken:
            raise Broken
        match self.exchange([encode(list(args)), encode(kwargs)]):
            case ["value", value]:
                return self._decoded(value)
            case ["raised", str(name), str(told)]:
                raise _exception(name, told)
        self.break_off("error", _UNREADABLE)

    def exchange(self, message: Any) -> Any:
        """Its answer to a message. Raises Broken when there is none."""
        try:
            send(self._outbox, message)
            return receive(self._inbox)
        except (EOFError, OSError):
            self.break_off(*self._end())
        except (ValueError, RecursionError, MemoryError):
            self.break_off("error", _UNREADABLE)

    def _decoded(self, value: Any) -> Any:
        try:
            return decode(value)
        except (ValueError, KeyError, TypeError, RecursionError, MemoryError):
            self.break_off("error", _UNREADABLE)

    def break_off(self, kind: str, told: str) -> NoReturn:
        """Let it count as failed for good."""
        self.broken = self.broken or (kind, told)
        raise Broken

    def _end(self) -> tuple[str, str]:
        _, status = os.waitpid(self._child, 0)
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGXCPU:
                return "time", ""
            return "ended", f"its process was ended by {signal.Signals(number).name}"
        return "ended", f"its process ended by itself, with {os.WEXITSTATUS(status)}"


def _exception(name: str, told: str) -> BaseException:
    """The same exception, as far as Python knows it; tests may ask for one.

    None that ends a loop of the tests instead of the tests.
    """
    found = getattr(builtins, name, None)
    if isinstance(found, type) and issubclass(found, Exception) and name not in _NEVER:
        try:
            return found(told)
        except TypeError:  # some want more than a text
            pass
    return RuntimeError(f"{name}: {told}")


def main() -> None:
    """Read a job from standard input, write the verdict to standard output, both as JSON.

    The first argument is a pipe that is open for as long as somebody waits for the verdict, the
    second, if there is one, the user to become.
    """
    lifeline, *users = map(int, sys.argv[1:])
    for user in users:
        _become(user)
    # The kernel keeps all signals of the inside from the first process that it has no handler for.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    to_program, from_program = os.pipe(), os.pipe()
    # The tests are not read yet: the program's process never holds them.
    child = os.fork()
    if child == 0:
        try:
            play(to_program[0], from_program[1])
        finally:
            os._exit(0)
    os.close(to_program[0])
    os.close(from_program[1])
    _thread.start_new_thread(_end_with, (lifeline,))
    verdict_to = os.dup(1)
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    job = receive(0)
    candidate = Candidate(from_program[0], to_program[1], child)
    kind, told = _judge(candidate, job)
    send(verdict_to, {"kind": kind, "told": told[:_TOLD]})


def _judge(candidate: Candidate, job: dict[str, Any]) -> tuple[str, str]:
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: candidate.break_off("time", ""))
    signal.setitimer(signal.ITIMER_REAL, job["wall_seconds"])
    # For a test that sticks where no handler of Python's is called.
    resource.setrlimit(resource.RLIMIT_CPU, (job["wall_seconds"], job["wall_seconds"]))
    try:
        verdict = _start(candidate, job) or _test(candidate, job)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Broken:
        verdict = "error", ""
    return candidate.broken or verdict


def _start(candidate: Candidate, job: dict[str, Any]) -> tuple[str, str] | None:
    """Have the program run; a verdict when that fails."""
    given = {name: job[name] for name in ("program", "entry_point", "limits")}
    match candidate.exchange(given):
        case ["ready"]:
            return None
        case ["raised", str(name), str(told)]:
            return "error", f"{name}: {told}"
    candidate.break_off("error", _UNREADABLE)


def _test(candidate: Candidate, job: dict[str, Any]) -> tuple[str, str]:
    random.seed(0)
    namespace: dict[str, Any] = {"__name__": _TESTS}
    try:
        # What the prompt defines beside the function stands here as the question's author wrote it.
        exec(compile(job["solution"], "solution.py", "exec"), namespace)
        namespace[job["entry_point"]] = candidate
        exec(compile(job["test"], _TESTS, "exec"), namespace)
        namespace["check"](candidate)
    except Exception as error:
        line = _line_of(error, job["test"])
        if isinstance(error, AssertionError):
            return "wrong", line
        return "error", f"{type(error).__name__}: {error}" + (f", at {line}" if line else "")
    return "passed", ""


def _line_of(error: Exception, tests: str) -> str:
    """The part of the tests at which they broke off, on one line."""
    places = [
        (frame.lineno, frame.end_lineno or frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == _TESTS and frame.lineno is not None
    ]
    if not places:
        return ""
    first, last = places[-1]
    return " ".join(" ".join(tests.splitlines()[first - 1 : last]).split())


def _end_with(lifeline: int) -> None:
    """End, and everything inside with it, when nobody waits any more.

    bubblewrap ends with whoever started it, but without rights over users that root may become.
    """
    os.read(lifeline, 1)
    os._exit(1)


def _become(user: int) -> None:
    """Be a user that nobody else is: whoever starts this as root is not one here."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
