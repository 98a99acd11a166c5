"""Questions in a folder as MMLU's authors publish them.

`test/SUBJECT_test.csv` holds the questions and `dev/SUBJECT_dev.csv` the examples: question, four
options and the letter of the answer, without a header.
"""

import csv
from pathlib import Path

from assistant.errors import UsageError
from assistant_eval.mmlu.questions import LETTERS, Exam, Question, Subject

_FIELDS = 6
_TOLD = 8
"""Problems that are told; of more, how many."""


def read_folder(folder: Path, shots: int) -> Exam:
    """The exam in a folder, with so many examples for each subject.

    All text stays as it is in the files: an option "None" is that word. Raises UsageError that
    names everything that is wrong with the folder.
    """
    tests = sorted((folder / "test").glob("*_test.csv"))
    if not tests:
        raise UsageError(f"{folder} is no MMLU folder: {_lacking(folder)}")
    problems: list[str] = []
    subjects = []
    for file in tests:
        name = file.name.removesuffix("_test.csv")
        questions = _read(file, problems)
        examples = _examples(folder / "dev" / f"{name}_dev.csv", shots, problems)
        subjects.append(Subject(name, examples, questions))
    if problems:
        more = f"; and {len(problems) - _TOLD} more" if len(problems) > _TOLD else ""
        raise UsageError(f"{folder} cannot be used: {'; '.join(problems[:_TOLD])}{more}")
    return Exam(str(folder), tuple(subjects))


def _lacking(folder: Path) -> str:
    if not folder.is_dir():
        return "there is no such folder"
    if (folder / "data" / "test").is_dir():
        return f"choose {folder / 'data'}"
    return "it needs test/SUBJECT_test.csv and dev/SUBJECT_dev.csv"


def _examples(file: Path, shots: int, problems: list[str]) -> tuple[Question, ...]:
    if not shots:
        return ()
    if not file.is_file():
        problems.append(f"dev/{file.name} is missing")
        return ()
    before = len(problems)
    found = _read(file, problems)
    if len(found) < shots and len(problems) == before:
        problems.append(f"dev/{file.name} has {len(found)} examples, {shots} are asked for")
    return found[:shots]


def _read(file: Path, problems: list[str]) -> tuple[Question, ...]:
    named = f"{file.parent.name}/{file.name}"
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        problems.append(f"{named} cannot be read ({error})")
        return ()
    if not rows:
        problems.append(f"{named} is empty")
    questions = []
    for number, row in enumerate(rows):
        problem = _problem(row)
        if problem is None:
            text, first, second, third, fourth, letter = row
            options = (first, second, third, fourth)
            questions.append(Question(number, text, options, LETTERS.index(letter)))
        else:
            problems.append(f"{named}, row {number + 1}: {problem}")
    return tuple(questions)


def _problem(row: list[str]) -> str | None:
    if len(row) != _FIELDS:
        return f"{len(row)} fields instead of {_FIELDS}"
    if not all(field.strip() for field in row):
        return "an empty field"
    if row[-1] not in tuple(LETTERS):
        return f"the answer is {row[-1][:20]!r}, not A, B, C or D"
    return None
