"""A model asked for programs, several at once, so that the same are asked together every time."""

import hashlib
import queue
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assistant.engine.requests import Chunk, Finish, Job, Priority
from assistant.errors import PromptError
from assistant.messages import SamplingParams
from assistant_eval.code.programs import STOPS, Style, to_answer, to_complete
from assistant_eval.code.tasks import Task

if TYPE_CHECKING:
    from assistant.engine.engine import Engine
    from assistant.prompts import Prompt, Renderer

_TOGETHER = 16
"""Answers that are asked for at once."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One answer that is wanted."""

    task: Task
    prompt: "Prompt"
    number: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote."""

    text: str
    finish: Finish
    tokens: int


def style_of(renderer: "Renderer") -> Style:
    """How a model is asked if nobody says: as a chat model where it is nothing else."""
    return "chat" if renderer.can_chat and renderer.fim_format is None else "text"


def prompts(
    renderer: "Renderer", context: int, tasks: Sequence[Task], style: Style, max_tokens: int
) -> "list[Prompt]":
    """What is asked for each question, as the server would write it.

    Raises PromptError where it is too long for the model.
    """
    from assistant.engine.trim import Trimmer

    trimmer = Trimmer(renderer, context)
    found = []
    for task in tasks:
        if style == "editor":
            found.append(trimmer.prompt(to_complete(task), max_tokens))
            continue
        chats = style == "chat"
        prompt = renderer.chat(to_answer(task)) if chats else renderer.text(to_complete(task))
        if len(prompt.ids) >= context:
            raise PromptError(
                f"{task.name} has {len(prompt.ids)} tokens and the model reads at most {context}:"
                " choose another model, or leave the question out"
            )
        found.append(prompt)
    return found


def pieces(tasks: Sequence[Task], found: "Sequence[Prompt]", samples: int) -> list[list[Ask]]:
    """All that is asked, in the pieces in which it is: whole questions, several if they are few."""
    size = max(1, _TOGETHER // samples)
    asked = list(zip(tasks, found, strict=True))
    return [
        [Ask(task, prompt, number) for task, prompt in some for number in range(samples)]
        for some in (asked[first : first + size] for first in range(0, len(asked), size))
    ]


def write(engine: "Engine", piece: Sequence[Ask], params: SamplingParams) -> list[Written]:
    """The model's answers to a piece; those to the same piece are the same every time.

    What is computed together is rounded together: they begin with the same pass, behind nothing
    that was kept of others.
    """
    boxes = [queue.SimpleQueue[Chunk | Exception]() for _ in piece]

    def begin() -> None:
        for ask, box in zip(piece, boxes, strict=True):
            own = replace(params, seed=_seed(params.seed or 0, ask))
            engine.submit(ask.prompt, own, Job(priority=Priority.BATCH), box.put)

    engine.forget()
    engine.begin_together(begin)
    return [_collect(box) for box in boxes]


def stops(style: Style) -> tuple[str, ...]:
    """The texts that end an answer."""
    return () if style == "chat" else STOPS


def _seed(seed: int, ask: Ask) -> int:
    """An answer's own seed, whichever questions are asked beside it."""
    text = f"{seed} {ask.task.name} {ask.number}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


def _collect(box: "queue.SimpleQueue[Chunk | Exception]") -> Written:
    text = ""
    while True:
        chunk = box.get()
        if isinstance(chunk, Exception):
            raise chunk
        text += chunk.text
        if chunk.finish is not None:
            return Written(text, chunk.finish, chunk.usage.completion_tokens if chunk.usage else 0)
