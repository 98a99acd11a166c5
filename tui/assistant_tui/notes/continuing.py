"""What may come next in a note, by the model: asked for in a pause, kept, and recorded.

The machinery is that of the language server, so that the notes suggest as the editors do; a
suggestion here is one sentence on one line, and nothing is made ahead of what is seen.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.completion.generations import Generations, Limits, Place
from assistant.completion.pace import Pace
from assistant.completion.record import Origin, Recorder
from assistant.completion.suggestions import Suggestion
from assistant.completion.window import SUFFIX_CHARACTERS, request_at
from assistant.edit import Edit
from assistant.line_ends import with_line_feeds
from assistant.messages import CompletionRequest
from assistant.prompts.tasks import Wording
from assistant_tui.model import Model

if TYPE_CHECKING:
    from assistant.client import ModelCard

LANGUAGE = "markdown"
_LIMITS = Limits(max_lines=1, one_sentence=True, ahead=False)
_LEAST_DELAY = 0.2
"""Seconds; who writes prose reads what appears, and need not read something at each key."""


@dataclass(frozen=True, slots=True)
class OpenNote:
    """A note as it stands in the editor."""

    path: str
    text: str
    language: str = LANGUAGE

    @property
    def uri(self) -> str:
        """A note is known by its path."""
        return self.path


class Continuing:
    """The suggestions for the notes of a folder. For one event loop; only `ask` takes its time."""

    def __init__(self, root: Path, model: Model, on_trouble: Callable[[str], None]) -> None:
        """`on_trouble` is told what keeps suggestions from being recorded."""
        self.choice = ""
        """`on` or `off`, as the user said; empty for what fits the model."""
        self._model = model
        self._generations: Generations[Place] = Generations(
            model, _request, lambda problem: None, Pace(least=_LEAST_DELAY)
        )
        self._recorder = Recorder.of_user(
            on_trouble=on_trouble,
            on_outcome=self._generations.pace.became,
            workspace=lambda path: str(root),
        )
        self._newest: Suggestion | None = None
        """What was looked up last."""

    @property
    def delay(self) -> float:
        """Seconds without a key before the model is asked."""
        return self._generations.pace.delay

    @property
    def is_on(self) -> bool:
        """Whether suggestions are wanted. A model with few words for its tasks is a small one.

        What such a one makes of prose is no help, so that it suggests where the user says so.
        """
        if self.choice:
            return self.choice == "on"
        ready = self._model.at_hand
        return ready is None or ready[1].wording is not Wording.BRIEF

    def known(self, path: str, before: str, after: str) -> str:
        """What is left of an earlier suggestion between two texts, or empty."""
        if self.choice == "off":
            return ""
        found = self._generations.made.rest(path, with_line_feeds(before), with_line_feeds(after))
        if found is None:
            return ""
        self._newest, rest = found
        return rest

    def typed(self, path: str, before: str, after: str) -> None:
        """Something was typed that is not suggested: what is made for another text may end."""
        self._generations.pace.key(time.monotonic())
        self._generations.changed(path, with_line_feeds(before), with_line_feeds(after))

    async def ask(self, note: OpenNote, offset: int) -> bool:
        """Ask the model what comes at a place; returns whether something is known now."""
        if not self.is_on or self._model.at_hand is None:
            return False
        before = with_line_feeds(note.text[:offset])
        after = with_line_feeds(note.text[offset : offset + SUFFIX_CHARACTERS])
        place = Place(note.uri, note.language, before, after, _LIMITS)
        if not before.strip() or not place.spot.wanted:
            return False
        _, rest = self._generations.kept(place) or await self._generations.asked(place, 0.0)
        return bool(rest)

    def stop(self, path: str) -> None:
        """End what is being made for a note."""
        self._generations.end(path)

    # What becomes of it ----------------------------------------------------------------------

    def shown(self, note: OpenNote, offset: int, text: str) -> None:
        """What was looked up last is shown at a place."""
        one = self._newest
        if one is not None and one.request is not None:
            self._recorder.shown(note, offset, text, one.request, Origin(one.model, one.adapter))

    def watches(self, path: str) -> bool:
        """Whether edits of a note may say what became of a suggestion."""
        return self._recorder.watches(path)

    def changed(self, path: str, edit: Edit) -> None:
        """The note was edited."""
        self._recorder.changed(path, [edit])

    def accepted(self, path: str) -> None:
        """All that is shown is taken."""
        self._recorder.accepted(path)

    def left(self, path: str) -> None:
        """The note is not open any more."""
        self._generations.forget(path)
        self._recorder.closed(path)

    def close(self) -> None:
        """Wait until all is written."""
        self._recorder.close()


def _request(place: Place, card: "ModelCard", ahead: bool) -> CompletionRequest:
    return request_at(place.before, place.after, place.language, place.uri, card.context)
