"""Texts rewritten by a model: which parts are sent, and how the answers come back into place."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from assistant.messages import SamplingParams
from assistant.prompts.tasks import Task, ask, clean_answer
from assistant.prose import paragraphs, rebuild

if TYPE_CHECKING:
    from assistant.client import ModelCard, ModelClient

CONTINUE_FROM_CHARACTERS = 4000
"""How much of a text's end is shown to a model that continues it."""


def answer_tokens(task: Task, text: str) -> int:
    """How many tokens an answer may take: a Han character is about one or two, a word as many."""
    size = len(text.encode()) // 2 + 32
    return {Task.EXPAND: max(3 * size, 256), Task.CONTINUE: 256}.get(task, size + 32)


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
        params = SamplingParams(max_tokens=answer_tokens(task, paragraph.text))
        answer = clean_answer(task, await client.chat(question, params))
        # An empty answer would delete the paragraph: keep the user's words instead.
        words.append(answer or paragraph.text)
        await asyncio.sleep(0)
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
    params = SamplingParams(
        max_tokens=answer_tokens(Task.CONTINUE, end), temperature=0.7, top_p=0.9
    )
    answer = clean_answer(Task.CONTINUE, await client.chat(question, params))
    if not answer:
        return text
    kept = text.rstrip()
    gap = text[len(kept) :] or " "
    return f"{kept}{gap}{answer}\n"
