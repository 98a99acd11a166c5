"""Questions from the Hugging Face hub, in the form of `openai/openai_humaneval`."""

from assistant_eval import hub
from assistant_eval.code.tasks import TaskSet, tasks_of

HUB_NAME = "openai/openai_humaneval"
_SPLITS = ("test",)


def read_hub(name: str) -> TaskSet:
    """The questions of a data set on the hub.

    Raises UsageError as `hub.load` does, and for a data set of another form.
    """
    (rows,) = hub.load(name, _SPLITS, otherwise="a file in the form of HumanEval")
    return TaskSet(name, tuple(tasks_of(rows, name)))
