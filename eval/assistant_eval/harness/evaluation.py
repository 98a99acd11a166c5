"""Tasks of lm-evaluation-harness from their names to a folder with answers and results."""

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assistant.engine.quiet import quiet
from assistant.errors import UsageError
from assistant_eval import fingerprints
from assistant_eval.continuing import begin, check_same, command_of, folder_of
from assistant_eval.kept import KeptAnswers
from assistant_eval.listening import Listener
from assistant_eval.model import Examined, versions
from assistant_eval.runs import SCORES_FILE, Run

_SAMPLES_FILE = "questions.jsonl"
_RESAMPLED = 1000
"""For the standard errors of what is no mean."""
_CLOSE = 3
"""Names that are like one that there is not."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What is asked."""

    tasks: tuple[str, ...]
    """Names of the library's tasks and groups, and of those in `folder`."""
    folder: Path | None = None
    """Further tasks, in the library's form. What a task calls by `!function` is run."""
    shots: int | None = None
    """Examples before each question; None for as many as the task says."""
    limit: int | None = None
    """The first so many questions of each task; None for all."""
    output: Path | None = None
    """The run's folder; None for one among the evaluations, known by its passport."""

    def command(self, examined: Examined) -> list[str]:
        """What asks the same again."""
        options = {"tasks": self.folder, "shots": self.shots, "limit": self.limit}
        return command_of("harness", examined, options, self.tasks)


@dataclass(frozen=True, slots=True)
class Result:
    """One figure of one task."""

    task: str
    metric: str
    filter: str
    """How answers were cut out of what was written; `none` where nothing was."""
    value: float
    error: float | None
    """The standard error; None where the library has none."""
    shots: int | None
    questions: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    run: Path
    passport: dict[str, Any]
    results: tuple[Result, ...]


def evaluate(examined: Examined, choices: Choices, listener: Listener | None = None) -> Outcome:
    """Have a model do tasks, or go on where that was interrupted.

    Raises UsageError for tasks that are not there or whose data cannot be had, and for a folder
    that holds another run; ModelFolderError and AssistantError as loading does.
    """
    listener = listener or Listener()
    with quiet():
        listener.say("looking for tasks")
        manager = _manager(choices)
        known = _passport(examined, choices)
        run = Run(choices.output or folder_of("harness", examined, known))
        with run.locked():
            check_same(run, known)
            begin(run, known, choices.command(examined))
            found = _ask(run, examined, choices, manager, listener)
            return _conclude(run, known, found)


def _manager(choices: Choices) -> Any:
    """The library's own index of tasks, in which all that are asked for are."""
    if choices.folder is not None and not choices.folder.is_dir():
        raise UsageError(f"there is no folder {choices.folder}")
    manager = _index(choices.folder)
    missing = [name for name in choices.tasks if not manager.match_tasks([name])]
    if missing:
        raise UsageError("; ".join(_told_missing(name, manager.all_tasks) for name in missing))
    return manager


@cache
def _index(folder: Path | None) -> Any:
    """All tasks that there are: reading their files takes seconds."""
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=None if folder is None else str(folder))


def _told_missing(name: str, there: Sequence[str]) -> str:
    like = difflib.get_close_matches(name, there, _CLOSE)
    return f"no task is called {name}" + (f": there is {', '.join(like)}" if like else "")


def _passport(examined: Examined, choices: Choices) -> dict[str, Any]:
    folder = choices.folder
    files = ("*.yaml", "*.yml", "*.py", "*.json*")
    found = {
        "evaluation": "harness",
        "model": examined.identity(),
        "tasks": list(choices.tasks),
        "tasks_sha256": None if folder is None else fingerprints.of_files(folder, *files),
        "shots": choices.shots,
        "limit": choices.limit,
        "versions": {**versions(), "lm_eval": version("lm_eval")},
    }
    same: dict[str, Any] = json.loads(json.dumps(found))
    return same


def _ask(
    run: Run, examined: Examined, choices: Choices, manager: Any, listener: Listener
) -> dict[str, Any]:
    """The library's own results."""
    from lm_eval import simple_evaluate

    from assistant_eval.harness.served import Served

    listener.say(f"loading {examined.local.name}")
    served = Served(examined.load(), KeptAnswers(run), listener)
    listener.say("reading the tasks' data")
    try:
        found: dict[str, Any] = simple_evaluate(
            model=served,
            tasks=list(choices.tasks),
            num_fewshot=choices.shots,
            limit=choices.limit,
            bootstrap_iters=_RESAMPLED,
            task_manager=manager,
        )
    except (ConnectionError, FileNotFoundError) as error:
        raise UsageError(f"the data of a task cannot be had: {error}") from error
    return found


def _conclude(run: Run, known: dict[str, Any], found: Mapping[str, Any]) -> Outcome:
    results = tuple(results_of(found))
    run.keep_value(SCORES_FILE, [asdict(one) for one in results])
    lines = [
        json.dumps({"task": task, **sample}, ensure_ascii=False, default=str)
        for task, samples in found["samples"].items()
        for sample in samples
    ]
    run.keep(_SAMPLES_FILE, "".join(line + "\n" for line in lines))
    return Outcome(run.path, known, results)


def results_of(found: Mapping[str, Any]) -> Iterator[Result]:
    """The figures in the library's results."""
    for task, values in found["results"].items():
        for name, value in values.items():
            metric, comma, kind = name.partition(",")
            if not comma or metric.endswith("_stderr") or not isinstance(value, int | float):
                continue
            error = values.get(f"{metric}_stderr,{kind}")
            number = found["n-samples"].get(task, {}).get("effective")
            yield Result(
                task,
                metric,
                kind,
                float(value),
                float(error) if isinstance(error, int | float) else None,
                found["n-shot"].get(task),
                number,
            )
