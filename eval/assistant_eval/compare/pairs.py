"""The answers of two runs, question by question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant import paths
from assistant.errors import UsageError
from assistant_eval.code.answers import Answer as Program
from assistant_eval.mmlu.answers import Answer
from assistant_eval.mmlu.protocols import ACC, PROTOCOLS
from assistant_eval.runs import PASSPORT_FILE, SCORES_FILE, Run

Key = tuple[str, str]
"""A question: its subject, empty where there are none, and its name there."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What two runs made of the same question."""

    subject: str
    question: str
    a: float
    """How right the first one was, from 0 to 1: between them only where it tried several times."""
    b: float

    @property
    def difference(self) -> float:
        """How much better the second one was."""
        return self.b - self.a


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that is whole."""

    path: Path
    passport: Mapping[str, Any]
    answers: Sequence[Mapping[str, Any]]

    @property
    def kind(self) -> str:
        """`mmlu` or `code`."""
        return str(self.passport["evaluation"])

    @property
    def name(self) -> str:
        """The model, as people know it."""
        model = self.passport["model"]
        return named(model["name"], model["adapter"], model["quantization"])


def named(model: str, adapter: str | None, quantization: str) -> str:
    """A model with how it is loaded, for people."""
    name = f"{model} with {adapter}" if adapter else model
    return name if quantization == "none" else f"{name}, {quantization}"


def find(name: str) -> Path | None:
    """The folder of a run, by its path or by its name among the evaluations."""
    for folder in (Path(name).expanduser(), paths.evaluations_dir() / name):
        if (folder / PASSPORT_FILE).is_file():
            return folder
    return None


def read_run(folder: Path) -> Finished:
    """A run. Raises UsageError where it is damaged, or not whole yet."""
    run = Run(folder)
    passport = run.passport()
    if passport is None or not (folder / SCORES_FILE).is_file():
        raise UsageError(f"the run in {folder} is not whole: go on with it first")
    return Finished(folder, passport, run.answers())


def pairs(a: Finished, b: Finished, protocol: str | None = None) -> tuple[str | None, list[Pair]]:
    """The protocol by which two runs are compared, None where there is none, and all pairs.

    Raises UsageError when they did not answer the same questions in the same way.
    """
    _check_same_questions(a, b)
    if a.kind == "code":
        return None, _paired(_programs(a), _programs(b))
    name = _protocol(a, b, protocol)
    return name, _paired(letters(a, name), letters(b, name))


def letters(run: Finished, protocol: str) -> dict[Key, float]:
    """Which questions were answered rightly under a protocol."""
    answers = (Answer.from_fields(fields) for fields in run.answers)
    return of_answers([answer for answer in answers if answer.protocol == protocol])


def of_answers(answers: Sequence[Answer]) -> dict[Key, float]:
    """Which questions were answered rightly."""
    return {
        (one.subject, str(one.number)): float(one.predicted[ACC] == one.right) for one in answers
    }


def _programs(run: Finished) -> dict[Key, float]:
    """The share of programs that passed, by question."""
    found: dict[str, list[bool]] = {}
    for fields in run.answers:
        answer = Program.from_fields(fields)
        found.setdefault(answer.task, []).append(answer.passed)
    return {("", task): sum(passed) / len(passed) for task, passed in found.items()}


def _paired(a: Mapping[Key, float], b: Mapping[Key, float]) -> list[Pair]:
    return [Pair(*key, a[key], b[key]) for key in a]


def _check_same_questions(a: Finished, b: Finished) -> None:
    if a.kind != b.kind:
        raise UsageError(f"{a.path} is a run of {a.kind}, and {b.path} one of {b.kind}")
    asked = ("data", "shots") if a.kind == "mmlu" else ("data",)
    different = [name for name in asked if a.passport[name] != b.passport[name]]
    if different:
        raise UsageError(
            f"the runs did not answer the same questions: {' and '.join(different)} differ; run"
            " both with the same options"
        )


def _protocol(a: Finished, b: Finished, wanted: str | None) -> str:
    """The one that is wanted, or the first that both have."""
    both = [name for name in PROTOCOLS if name in a.passport["protocols"]]
    both = [name for name in both if name in b.passport["protocols"]]
    if not both:
        raise UsageError(f"{a.path} and {b.path} have no protocol in common")
    if wanted is not None and wanted not in both:
        raise UsageError(f"not both runs have the protocol {wanted}: they have {', '.join(both)}")
    return wanted or both[0]
