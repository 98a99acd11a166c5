"""What a model is asked to do with a text, and how its answers come back into place."""

from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from assistant.circles import circle_start
from assistant.errors import ServerError
from assistant.messages import Conversation, SamplingParams
from assistant.prompts.languages import is_chinese
from assistant.prompts.tasks import TAUGHT, Task, Wording, ask, clean_answer, instruct
from assistant.prose import paragraphs, rebuild
from assistant.prose_places import CONTINUE_FROM_CHARACTERS

if TYPE_CHECKING:
    from assistant.client import ModelCard, ModelClient

_SLACK_CHARACTERS = 40
_REWRITES = (Task.POLISH, Task.EXPAND, Task.SHORTEN, Task.TRANSLATE)

Progress = Callable[[str], None]


def sampling(task: Task, text: str) -> SamplingParams:
    """How to answer `task` for `text`: how long the answer may get, and whether it may vary."""
    if task is Task.CONTINUE:
        return SamplingParams(max_tokens=256, temperature=0.7, top_p=0.9)
    # A token is a byte or more: a rewritten text of twice the length is never cut off.
    size = 2 * len(text.encode()) + 64
    lengths = {
        Task.EXPLAIN: 512,
        Task.COMMENT_TO_CODE: 256,
        Task.DOCSTRING: 256,
        Task.TEST: 1024,
        Task.NAMES: 256,
    }
    return SamplingParams(max_tokens=lengths.get(task, 2 * size if task is Task.EXPAND else size))


async def answer(
    task: Task,
    text: str,
    client: "ModelClient",
    card: "ModelCard",
    *,
    language: str = "",
    problem: str = "",
    on_text: Progress = lambda text: None,
) -> str:
    """What the model makes of `text`, or nothing where that is of no use.

    `problem` is what `Task.FIX` is to mend, or `Task.NAMES` to name. `on_text` gets the answer so
    far, again and again. Raises ServerError, also for a task that the model was never
    taught.
    """
    if card.wording is Wording.BRIEF and task not in TAUGHT:
        raise ServerError(f"{card.name} is too small to {task.value.lower()}: use a larger model")
    question = ask(task, text, wording=card.wording, language=language, problem=problem)
    whole, circles = await _streamed(question, sampling(task, text), client, on_text)
    if circles and task in _REWRITES:
        return ""
    cleaned = clean_answer(task, whole)
    return cleaned if _is_plausible(task, text, cleaned) else ""


async def followed(
    instruction: str,
    text: str,
    client: "ModelClient",
    card: "ModelCard",
    *,
    on_text: Progress = lambda text: None,
) -> str:
    """What the model makes of `text` by an instruction of the user's, or nothing for circles.

    `on_text` gets the answer so far, again and again. Raises ServerError, also for a model that
    was taught its tasks alone.
    """
    if card.wording is Wording.BRIEF:
        raise ServerError(f"{card.name} is too small to follow instructions: use a larger model")
    size = SamplingParams(max_tokens=4 * len(text.encode()) + 256)
    whole, circles = await _streamed(instruct(instruction, text), size, client, on_text)
    return "" if circles else whole.strip()


async def _streamed(
    question: Conversation, params: SamplingParams, client: "ModelClient", on_text: Progress
) -> tuple[str, bool]:
    """The answer, up to where it begins to go in circles, and whether it did."""
    whole = ""
    async with aclosing(client.stream_chat(question, params)) as pieces:
        async for piece in pieces:
            whole += piece
            on_text(whole)
            if (end := circle_start(whole)) is not None:
                return whole[:end], True
    return whole, False


async def rewritten(
    task: Task,
    text: str,
    client: "ModelClient",
    card: "ModelCard",
    on_progress: Progress = lambda line: None,
) -> str:
    """`text` with each of its paragraphs polished or expanded, all else byte by byte as it was.

    A paragraph for which the model has no plausible answer keeps the user's words.
    """
    found = paragraphs(text)
    words = []
    for number, paragraph in enumerate(found, start=1):
        on_progress(f"paragraph {number} of {len(found)}")
        words.append(await answer(task, paragraph.text, client, card) or paragraph.text)
    return rebuild(text, zip(found, words, strict=True))


async def continued(
    text: str,
    client: "ModelClient",
    card: "ModelCard",
    on_progress: Progress = lambda line: None,
) -> str:
    """`text` with a continuation behind it."""
    on_progress("writing on")
    kept = text.rstrip()
    end = kept[-CONTINUE_FROM_CHARACTERS:]
    words = await answer(Task.CONTINUE, end, client, card)
    if not words:
        return text
    gap = text[len(kept) :] or ("" if is_chinese(end) else " ")
    return f"{kept}{gap}{words}\n"


def _is_plausible(task: Task, old: str, new: str) -> bool:
    """Whether a rewritten text can be what was asked for: half of it would be the user's loss."""
    if task is Task.SHORTEN:
        return len(new) <= len(old)
    if task not in (Task.POLISH, Task.EXPAND):
        return True
    shortest = len(old) // 2 - _SLACK_CHARACTERS
    longest = 2 * len(old) + _SLACK_CHARACTERS
    return len(new) >= shortest and (task is Task.EXPAND or len(new) <= longest)
