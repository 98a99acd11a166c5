"""A model asked to do something with a note: which places are meant, and what comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant import prose_places
from assistant.errors import UsageError
from assistant.prompts.tasks import Task
from assistant.prose import Paragraph
from assistant.rewriting import answer, followed
from assistant_tui.notes.changes import Part, parts
from assistant_tui.notes.wishes import Wish

if TYPE_CHECKING:
    from assistant.client import ModelCard, ModelClient

_LANGUAGE = "markdown"


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is: the answer so far for one of the places."""

    number: int
    """Of the place, counted from 1."""
    total: int
    old: str
    so_far: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the model made of `text`."""

    wish: Wish
    text: str
    """All of the note as it was when it was asked."""
    parts: tuple[Part, ...]
    model: str
    adapter: str | None = None


OnStep = Callable[[Step], None]
_Suggested = tuple[Paragraph, str]


async def propose(
    wish: Wish,
    text: str,
    selection: tuple[int, int],
    client: "ModelClient",
    card: "ModelCard",
    on_step: OnStep = lambda step: None,
) -> Proposal:
    """Ask for the paragraphs that a selection touches, or the one that the cursor is in.

    `selection` holds two offsets into `text`. Raises AssistantError.
    """
    if not card.chat:
        raise UsageError(f"{card.name} only completes text: choose a chat model for this")
    if wish.task is Task.CONTINUE:
        suggested = await _continued(text, max(selection), client, card, on_step)
    else:
        suggested = await _rewritten(wish, text, selection, client, card, on_step)
    found = [(paragraph, words) for paragraph, words in suggested if words != paragraph.text]
    return Proposal(wish, text, parts(found), card.base_name, card.adapter)


async def _rewritten(
    wish: Wish,
    text: str,
    selection: tuple[int, int],
    client: "ModelClient",
    card: "ModelCard",
    on_step: OnStep,
) -> list[_Suggested]:
    found = prose_places.meant(text, _LANGUAGE, min(selection), max(selection))
    suggested = []
    for number, paragraph in enumerate(found, start=1):
        words = paragraph.text

        def report(so_far: str, number: int = number, words: str = words) -> None:
            on_step(Step(number, len(found), words, so_far))

        report("")
        if wish.task is None:
            new = await followed(wish.instruction, words, client, card, on_text=report)
        else:
            new = await answer(wish.task, words, client, card, on_text=report)
        suggested.append((paragraph, new or words))
    return suggested


async def _continued(
    text: str, offset: int, client: "ModelClient", card: "ModelCard", on_step: OnStep
) -> list[_Suggested]:
    words, last = prose_places.before(text, _LANGUAGE, offset)
    if not words:
        raise UsageError("there is no text before the cursor to continue")
    on_step(Step(1, 1, "", ""))
    new = await answer(
        Task.CONTINUE, words, client, card, on_text=lambda so_far: on_step(Step(1, 1, "", so_far))
    )
    edit = prose_places.continuation(text, last, offset, new)
    if edit is None:
        return []
    line_end = last.line_end if last is not None else "\n"
    return [(Paragraph(edit.start, edit.end, "", "", None, line_end), edit.text)]
