"""Texts rewritten by a model: which parts are sent, and how the answers come back into place."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from assistant.messages import SamplingParams
from assistant.prompts.languages import is_chinese
from assistant.prompts.tasks import Task, ask, clean_answer
from assistant.prose import paragraphs, rebuild

if TYPE_CHECKING:
    from assistant.client import ModelCard, ModelClient

CONTINUE_FROM_CHARACTERS = 4000
"""How much of a text's end is shown to a model that continues it."""


def sampling(task: Task, text: str) -> SamplingParams:
    """How to answer `task` for `text`: how long the answer may get, and whether it may vary.

    A token is two bytes or more of most texts, Chinese and English alike.
    """
    size = len(text.encode()) // 2 + 64
    if task is Task.CONTINUE:
        return SamplingParams(max_tokens=256, temperature=0.7, top_p=0.9)
    lengths = {
        Task.EXPLAIN: 512,
        Task.COMMENT_TO_CODE: 256,
        Task.DOCSTRING: 256,
        Task.EXPAND: max(3 * size, 256),
    }
    return SamplingParams(max_tokens=lengths.get(task, size))


async def rewritten(
    task: Task,
    text: str,
    client: "ModelClient",
    card: "ModelCard",
    on_progress: Callable[[str], None] = lambda line: None,
) -> str:
    """`text` with each of its paragraphs polished or expanded, all else byte by byte as it was."""
    found = paragraphs(text)
    words = []
    for number, paragraph in enumerate(found, start=1):
        on_progress(f"paragraph {number} of {len(found)}")
        question = ask(task, paragraph.text, wording=card.wording)
        answer = await client.chat(question, sampling(task, paragraph.text))
        # An empty answer would delete the paragraph: keep the user's words instead.
        words.append(clean_answer(task, answer) or paragraph.text)
    return rebuild(text, zip(found, words, strict=True))


async def continued(
    text: str,
    client: "ModelClient",
    card: "ModelCard",
    on_progress: Callable[[str], None] = lambda line: None,
) -> str:
    """`text` with a continuation behind it."""
    on_progress("writing on")
    end = text.rstrip()[-CONTINUE_FROM_CHARACTERS:]
    question = ask(Task.CONTINUE, end, wording=card.wording)
    answer = await client.chat(question, sampling(Task.CONTINUE, end))
    words = clean_answer(Task.CONTINUE, answer)
    if not words:
        return text
    kept = text.rstrip()
    gap = text[len(kept) :] or ("" if is_chinese(end) else " ")
    return f"{kept}{gap}{words}\n"
