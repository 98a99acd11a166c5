"""Questions in the form of HumanEval: a prompt to go on from, and tests for what comes of it."""

import gzip
import json
import keyword
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from assistant.errors import UsageError
from assistant_eval import fingerprints

_FIELDS = ("task_id", "prompt", "entry_point", "canonical_solution", "test")
_GZIP = b"\x1f\x8b"
_MOST_PROBLEMS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """A question."""

    name: str
    prompt: str
    """The beginning of a program, up to where a function's body is to stand."""
    entry_point: str
    """The function that is tested."""
    canonical_solution: str
    """The body that the question's author wrote."""
    test: str
    """A program that defines `check`, which takes the function and raises where it is wrong."""

    @property
    def solution(self) -> str:
        """A whole program that is right."""
        return self.prompt + self.canonical_solution


@dataclass(frozen=True, slots=True)
class TaskSet:
    """Questions that belong together."""

    source: str
    """Where they are from, in words."""
    tasks: tuple[Task, ...]

    def sha256(self) -> str:
        """A fingerprint of all that is asked, wherever it lies."""
        return fingerprints.of_value([astuple(task) for task in self.tasks])

    def first(self, count: int | None) -> "TaskSet":
        """The first so many."""
        return TaskSet(self.source, self.tasks[:count])


def read_file(file: Path) -> TaskSet:
    """The questions of a JSONL file, which gzip may have packed. Raises UsageError."""
    try:
        data = file.read_bytes()
        text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode()
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {file}: name one by --data") from error
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read as JSONL ({error})") from error
    return TaskSet(str(file), tuple(tasks_of(_rows(text, file), str(file))))


def tasks_of(rows: Iterable[Mapping[str, Any]], source: str) -> list[Task]:
    """The questions of rows. Raises UsageError, with the first problems, where some are none."""
    tasks = list[Task]()
    problems = list[str]()
    for number, row in enumerate(rows, 1):
        missing = [name for name in _FIELDS if not isinstance(row.get(name), str)]
        if missing:
            problems.append(f"question {number} has no text {', '.join(missing)}")
            continue
        task = Task(*(row[name] for name in _FIELDS))
        problems += [f"{task.name or f'question {number}'} {told}" for told in _problems(task)]
        tasks.append(task)
    if len({task.name for task in tasks}) < len(tasks):
        problems.append("several questions have the same task_id")
    if problems:
        more = f"; and {len(problems) - _MOST_PROBLEMS} more" * (len(problems) > _MOST_PROBLEMS)
        raise UsageError(f"{source}: {'; '.join(problems[:_MOST_PROBLEMS])}{more}")
    if not tasks:
        raise UsageError(f"{source} holds no questions")
    return tasks


def _problems(task: Task) -> Iterator[str]:
    if not task.name:
        yield "has an empty task_id"
    if not task.entry_point.isidentifier() or keyword.iskeyword(task.entry_point):
        yield f"has an entry_point that is no name: {task.entry_point!r}"
    if "check" not in task.test:
        yield "has a test that defines no check"


def _rows(text: str, file: Path) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{file}:{number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise UsageError(f"{file}:{number} is no JSON object")
        yield row
