"""What is recorded, as values."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

Outcome = Literal["shown", "accepted", "accepted_part", "typed", "rejected", "undone"]
"""`shown`: nothing more is known. `typed`: the user wrote the same by hand. `undone`: accepted, and
taken out again within a moment."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a suggestion, as far as is known."""

    outcome: Outcome = "shown"
    accepted_characters: int = 0
    """How many of its characters were taken over at once, by accepting them."""
    replaced_by: str | None = None
    """What the user wrote at its place instead, or made of it after it was taken, as it stood there
    when `similarity` was found; None where that is not known, nothing, or the same."""
    similarity: float | None = None
    """How much like what was taken over stands there five minutes later, or when the file was
    closed before: from 0 to 1, which is unchanged. None until that is known."""

    @property
    def kept(self) -> bool | None:
        """Whether it stood there unchanged; None until that is known."""
        return None if self.similarity is None else self.similarity == 1.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One text that was suggested in an editor."""

    text: str
    """As it was shown."""
    prefix: str
    """What the model was sent of the text before the place."""
    suffix: str = ""
    """What it was sent of the text behind."""
    path: str = ""
    """The file, or empty for what is none."""
    workspace: str = ""
    """The folder that the editor had open, or empty."""
    language: str = ""
    model: str = ""
    adapter: str | None = None
    kind: str = "completion"
    """`completion`, or the action that it came from, such as `polish`."""
    fate: Fate = Fate()
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it was shown, in UTC."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which suggestions are meant: those that fit everything that is given."""

    ids: tuple[str, ...] = ()
    """Any of these."""
    path: Path | None = None
    """A file, or a folder and everything below it."""
    since: datetime | None = None
    before: datetime | None = None
    outcome: Outcome | None = None
    language: str | None = None


EVERYTHING = Choice()
