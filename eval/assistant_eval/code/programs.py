"""What a model is asked for a program, and the program that its answer makes."""

import ast
import re
from typing import Literal

from assistant.messages import CompletionRequest, Conversation, Message
from assistant_eval.code.tasks import Task

Style = Literal["text", "editor", "chat"]
"""How a model is asked. `text`: it goes on from the prompt, and sees nothing else. `editor`: the
prompt stands before a cursor, and is completed as an editor would have it. `chat`: it is asked for
the function, and answers."""
STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
"""What ends a function's body, from Chen et al. 2021, "Evaluating Large Language Models Trained on
Code", section 3.2 (arXiv 2107.03374)."""
_LANGUAGE = "python"
_WORDING = (
    "Complete this function. Answer with the whole function, in one block of code, with the imports"
    " that it needs.\n\n```python\n{prompt}\n```"
)
_FENCED = re.compile(r"```[^\n]*\n(.*?)(?:\n[ \t]*```|\Z)", re.DOTALL)


def to_complete(task: Task) -> CompletionRequest:
    """The prompt as the text before a cursor."""
    return CompletionRequest(task.prompt, language=_LANGUAGE)


def to_answer(task: Task) -> Conversation:
    """The prompt as what somebody asks."""
    return Conversation((Message("user", _WORDING.format(prompt=task.prompt.strip("\n"))),))


def program_of(task: Task, text: str, style: Style) -> str:
    """The program to be tested."""
    if style != "chat":
        return task.prompt + text
    code = _block(task, text)
    if not _defines(code, task.entry_point):
        return task.prompt + code
    # What the prompt imports and defines beside the function is there, however little is repeated.
    return f"{task.prompt}\n{code}" if _compiles(task.prompt) else code


def _block(task: Task, text: str) -> str:
    """The last block of code that defines the function, or the first one, or everything."""
    blocks: list[str] = _FENCED.findall(text)
    defining = [block for block in blocks if _defines(block, task.entry_point)]
    return (defining[-1:] or blocks[:1] or [text])[0]


def _defines(code: str, name: str) -> bool:
    return re.search(rf"^(?:async )?def {re.escape(name)}\b", code, re.MULTILINE) is not None


def _compiles(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError):
        return False
    return True
