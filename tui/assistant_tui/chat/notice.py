"""One line above the question: what goes on, or went wrong, and what can be done."""

from collections.abc import Sequence

from assistant.history import Turn
from assistant_tui.chat.answering import Answering
from assistant_tui.model import ModelState


def notice(
    answering: Answering | None, state: ModelState | None, problem: str, path: Sequence[Turn]
) -> tuple[str, str]:
    """The line, empty where there is nothing to say, and its style.

    `problem` is why the last answer broke off, and `path` the branch that is shown.
    """
    if answering is not None:
        if state is not None and state.phase == "loading":
            return f"● {state.line} …", "$warning"
        doing = "writing" if answering.turn.text else "thinking"
        return f"● {doing} …  Esc stops", "$warning"
    if problem:
        return f"✗ {problem}  Ctrl+R asks again", "$error"
    if path and path[-1].speaker == "user":
        return "This question has no answer: Ctrl+R asks it again", "$warning"
    if path and path[-1].end == "writing":
        return "This answer broke off: Ctrl+R asks again", "$warning"
    return "", ""
