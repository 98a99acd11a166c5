"""An evaluation in a process of its own, which can be killed at any moment."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = """
import json, sys
import torch
torch.set_num_threads(1)
from pathlib import Path
from assistant.registry import locate
from assistant_eval.listening import Listener
from assistant_eval.mmlu.evaluation import Choices, evaluate
from assistant_eval.model import Examined
from assistant_eval import reading

told = json.loads(sys.stdin.readline())
listener = Listener(
    answered=lambda done, count: print(f"{done}/{count}", flush=True),
    remark=lambda line: print(line, flush=True),
)
choices = Choices(told["data"], tuple(told["protocols"]), output=Path(told["output"]))
evaluate(Examined(locate("starter"), device="cpu"), choices, listener)
"""


class Sitting:
    """The process, which waits until it is told what to ask."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, output: Path, **told: Any) -> Iterator[str]:
        """What it says, line by line."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({"output": str(output), **told}) + "\n")
        self.process.stdin.close()
        return iter(self.process.stdout)


@contextmanager
def sittings(count: int) -> Iterator[list[Sitting]]:
    """So many processes, which are ended in the end."""
    started = [Sitting() for _ in range(count)]
    try:
        yield started
    finally:
        for one in started:
            one.process.kill()
            one.process.wait()
            for stream in (one.process.stdin, one.process.stdout):
                if stream is not None:
                    stream.close()
