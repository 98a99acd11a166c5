"""From what a model writes to a program."""

from assistant_eval.code.programs import program_of, to_answer
from assistant_eval.code.sandbox import Sandbox
from assistant_eval.code.tasks import Task
from tests.eval.code.questions import adding

TASK = adding(3)
WHOLE = "def add_3(x):\n    return x + 3"


def test_a_completion_goes_on_from_the_prompt() -> None:
    assert program_of(TASK, "    return x + 3", "text") == TASK.prompt + "    return x + 3"


def test_an_answer_is_the_block_of_code_that_defines_the_function(sandbox: Sandbox) -> None:
    for text in (
        f"Sure! Here it is:\n\n```python\n{WHOLE}\n```\nIt adds three.",
        f"For example:\n```\nadd_3(1)\n```\nThe function:\n```py\n{WHOLE}\n```",
        f"```python\n{WHOLE}",
        WHOLE,
        "```python\n    return x + 3\n```",
        f"First wrong:\n```\n{WHOLE}0\n```\nand then right:\n```\n{WHOLE}\n```",
    ):
        assert sandbox.run(TASK, program_of(TASK, text, "chat")).passed, text


def test_an_answer_has_what_the_prompt_imports(sandbox: Sandbox) -> None:
    prompt = 'from math import floor\n\n\ndef low(x: float) -> int:\n    """Rounded down."""\n'
    test = "def check(candidate): assert candidate(2.5) == 2"
    task = Task("low", prompt, "low", "    return floor(x)\n", test)
    answer = "```python\ndef low(x):\n    return floor(x)\n```"
    assert sandbox.run(task, program_of(task, answer, "chat")).passed


def test_a_chat_model_is_shown_the_whole_prompt() -> None:
    assert TASK.prompt.strip() in to_answer(TASK).turns[0].content
