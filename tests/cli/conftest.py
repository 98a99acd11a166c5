"""The command line as a user runs it: a process of its own, in a home of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.paths import HOME_VARIABLE

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose model server is started by the first command and ended behind the last."""
    home = tmp_path_factory.mktemp("cli-home")
    yield home
    state = home / "state" / "server.json"
    if state.exists():
        os.kill(json.loads(state.read_text())["pid"], signal.SIGTERM)


@pytest.fixture
def run(shared_home: Path, tmp_path: Path) -> Run:
    """Run `assistant` in an empty folder and return what it printed."""

    def run_assistant(
        *arguments: str, stdin: str = "", settings: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        environment = os.environ | {HOME_VARIABLE: str(shared_home)} | (settings or {})
        return subprocess.run(
            [sys.executable, "-m", "assistant", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            check=False,
        )

    return run_assistant
