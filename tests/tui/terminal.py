"""The app in a real terminal, by tmux."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

PATIENCE = 30.0
Found = TypeVar("Found")

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def until(
    look: Callable[[], Found],
    holds: Callable[[Found], bool],
    wanted: str,
    patience: float = PATIENCE,
) -> Found:
    """Look at what another process does until something holds; what was seen then."""
    end = time.monotonic() + patience
    while not holds(found := look()):
        assert time.monotonic() < end, f"it never came {wanted}:\n{found}"
        time.sleep(0.02)
    return found


class Terminal:
    """One tmux session with one program in it."""

    def __init__(self, socket: Path) -> None:
        self._tmux = ("tmux", "-S", str(socket))

    def run(self, *arguments: str) -> str:
        done = subprocess.run([*self._tmux, *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int]
    ) -> None:
        width, height = size
        variables = shlex.join(f"{name}={value}" for name, value in environment.items())
        line = f"exec env {variables} {shlex.join(command)}"
        options = ("-x", str(width), "-y", str(height))
        self.run("-f", os.devnull, "new-session", "-d", *options, line)

    def type(self, text: str) -> None:
        self.run("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        self.run("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        self.run("resize-window", "-x", str(width), "-y", str(height))

    @property
    def screen(self) -> str:
        """What is seen."""
        return self.run("capture-pane", "-p")

    def until_seen(self, text: str, patience: float = PATIENCE) -> str:
        """Wait until a text is on the screen; the screen then."""
        return until(
            lambda: self.screen, lambda screen: text in screen, f"to show {text!r}", patience
        )

    def kill(self) -> None:
        """End the program as nothing can be ended more suddenly."""
        os.kill(int(self.run("display-message", "-p", "#{pane_pid}")), signal.SIGKILL)


@contextmanager
def terminal(
    folder: Path,
    socket: Path,
    *,
    environment: Mapping[str, str] | None = None,
    size: tuple[int, int] = (100, 30),
    within: Sequence[str] = (),
) -> Iterator[Terminal]:
    """The app over a folder, in a terminal of its own; `within` is a command that runs it."""
    found = Terminal(socket)
    variables = {name: value for name, value in os.environ.items() if name.startswith("ASSISTANT_")}
    command = (*within, sys.executable, "-m", "assistant", "tui", str(folder))
    try:
        found.start(command, {**variables, **(environment or {})}, size)
        yield found
    finally:
        subprocess.run([*found._tmux, "kill-server"], capture_output=True, check=False)
