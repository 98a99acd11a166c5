"""Questions made up for tests, in the form of HumanEval."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from assistant_eval.code.tasks import Task


def adding(number: int) -> Task:
    """A question that wants a number added."""
    prompt = (
        f'def add_{number}(x: int) -> int:\n    """The number and {number}.\n\n'
        f'    >>> add_{number}(1)\n    {number + 1}\n    """\n'
    )
    test = f"def check(candidate):\n    assert candidate(1) == {number + 1}\n"
    return Task(f"Adding/{number}", prompt, f"add_{number}", f"    return x + {number}\n", test)


def write(file: Path, tasks: Sequence[Task]) -> Path:
    """The questions as a file, packed where its name ends in `.gz`."""
    lines = []
    for task in tasks:
        fields = asdict(task)
        fields["task_id"] = fields.pop("name")
        lines.append(json.dumps(fields))
    data = ("\n".join(lines) + "\n").encode()
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)
    return file
