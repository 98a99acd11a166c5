"""A contender in a process of its own: its threads and their manners disturb no other one.

Started as `python -m bench.peers.worker KIND PATH ...`; reads one JSON object a line,
`{"do": METHOD, ...}`, and writes one for each. Contenders take turns: whoever waits for a line
computes nothing.
"""

import dataclasses
import importlib
import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from bench.peers.task import Task, Timing

CONTENDERS = {
    "ours": ("bench.peers.ours", "Ours"),
    "llama.cpp": ("bench.peers.llamacpp", "LlamaCpp"),
    "generate": ("bench.peers.generate", "Generate"),
    "serve": ("bench.peers.serve", "Serve"),
    "train ours": ("bench.peers.training.ours", "Ours"),
    "train trl": ("bench.peers.training.trl", "Trl"),
    "train padded": ("bench.peers.training.padded", "Padded"),
    "mmlu ours": ("bench.peers.mmlu.ours", "Ours"),
    "mmlu lm-eval": ("bench.peers.mmlu.harness", "Harness"),
}


class Worker:
    """The other end of such a process."""

    def __init__(self, kind: str, *arguments: str) -> None:
        """Start it with the path of its model and what else it takes, and wait until it is loaded.

        How threads wait is its own affair: what suits one contender slows another one several
        times. Raises RuntimeError when it cannot be loaded.
        """
        self._kind = kind
        # What libraries remark while they load is shown only where it matters.
        self._remarks = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.peers.worker", kind, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._remarks,
            env={
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("OMP_", "GOMP_"))
            },
            text=True,
        )
        self.description: str = self._read()["description"]

    def answer(self, task: Task) -> Timing:
        """See `Contender`."""
        return Timing(**self.call("answer", **dataclasses.asdict(task)))

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """What a method of the contender returns."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": method, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._remarks.close()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._remarks.seek(0)
            said = self._remarks.read().strip().splitlines() or ["it said nothing"]
            raise RuntimeError(f"the contender {self._kind} ended: {said[-1]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def main() -> None:
    """Serve one contender until the input ends."""
    kind, *arguments = sys.argv[1:]
    module, name = CONTENDERS[kind]
    # What libraries print goes where people look, not among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    contender = getattr(importlib.import_module(module), name)(*arguments)
    try:
        _write(answers, {"description": contender.description})
        for line in sys.stdin:
            request = json.loads(line)
            _write(answers, _do(contender, request.pop("do"), request))
    finally:
        close = getattr(contender, "close", None)
        if close is not None:
            close()


def _do(contender: Any, method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if method == "answer":
        return dataclasses.asdict(contender.answer(Task(**arguments)))
    found: dict[str, Any] = getattr(contender, method)(**arguments)
    return found


def _write(stream: Any, value: dict[str, Any]) -> None:
    stream.write(json.dumps(value) + "\n")
    stream.flush()


if __name__ == "__main__":
    main()
