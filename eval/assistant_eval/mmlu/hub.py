"""Questions from the Hugging Face hub, in the form of `cais/mmlu`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from assistant.errors import UsageError
from assistant_eval import hub
from assistant_eval.mmlu.questions import Exam, Question, Subject

HUB_NAME = "cais/mmlu"
_CONFIG = "all"
"""The one that holds all subjects, each row with its own."""
_SPLITS = ("test", "dev")


def read_hub(name: str, shots: int) -> Exam:
    """The exam of a data set on the hub, with so many examples for each subject.

    Raises UsageError as `hub.load` does, and for a data set of another form.
    """
    splits = hub.load(name, _SPLITS, _CONFIG, otherwise="a folder in the authors' layout")
    try:
        tests, examples = (_by_subject(rows) for rows in splits)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{name} is not in the form of {HUB_NAME}: {error!r}") from error
    few = [subject for subject in tests if len(examples.get(subject, ())) < shots]
    if few:
        raise UsageError(f"{name} has fewer than {shots} examples for {', '.join(few)}")
    return Exam(
        name,
        tuple(
            Subject(subject, tuple(examples.get(subject, ()))[:shots], tuple(questions))
            for subject, questions in sorted(tests.items())
        ),
    )


def _by_subject(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Question]]:
    found = defaultdict[str, list[Question]](list)
    for row in rows:
        own = found[row["subject"]]
        first, second, third, fourth = row["choices"]
        options = (first, second, third, fourth)
        own.append(Question(len(own), row["question"], options, int(row["answer"])))
    return dict(found)
