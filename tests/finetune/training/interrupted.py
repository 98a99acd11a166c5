"""A training run in a process of its own, which can be killed at any moment."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

PROGRAM = """
import json, sys
import torch
torch.set_num_threads(1)
from assistant_finetune.training.listening import Listener
from assistant_finetune.training.run import resume, start
from assistant_finetune.training.settings import check

def tell(measured):
    print(json.dumps({"step": measured.step, "held": measured.held_out_loss}), flush=True)

listener = Listener(measured=tell)
for line in sys.stdin:
    told = json.loads(line)
    if "resume" in told:
        outcome = resume(told["resume"], listener, "cpu")
    else:
        outcome = start(check(told, "test"), listener, "cpu")
    print(json.dumps({"result": str(outcome.result)}), flush=True)
    break
"""


class Run:
    """The process, which waits until it is told what to train."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def begin(self, told: dict[str, Any]) -> None:
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(json.dumps(told) + "\n")
        stdin.close()

    def messages(self) -> Iterator[dict[str, Any]]:
        stdout: IO[str] | None = self.process.stdout
        assert stdout is not None
        for line in stdout:
            if line.startswith("{"):
                yield json.loads(line)

    def result(self) -> Path:
        """Wait for the end."""
        found = [message["result"] for message in self.messages() if "result" in message]
        stderr = self.process.stderr
        assert stderr is not None
        assert self.process.wait() == 0, stderr.read()
        return Path(found[0])


@contextmanager
def runs(count: int) -> Iterator[list[Run]]:
    """So many processes, which are ended in the end."""
    started = [Run() for _ in range(count)]
    try:
        yield started
    finally:
        for run in started:
            run.process.kill()
            run.process.wait()
            for stream in (run.process.stdin, run.process.stdout, run.process.stderr):
                if stream is not None:
                    stream.close()
