"""What training is given: token ids, and what of them to learn."""

from dataclasses import dataclass
from enum import Enum

from assistant.prompts import IGNORED, Renderer, Wording
from assistant_finetune.data.journal import DataError
from assistant_finetune.data.origin import Origin


class Learn(Enum):
    """What of a conversation is learned."""

    ANSWERS = "answers"
    """Every answer of the assistant's, and what ends it."""
    LAST = "last"
    """The last answer alone."""
    ALL = "all"
    """Everything, the user's words too."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sequence of tokens. All tuples are as long as it is."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    """The id itself where it is learned, and `IGNORED` where not; not shifted."""
    origin: Origin
    weights: tuple[float, ...] = ()
    """How much each label counts; empty where all that are learned count 1."""

    @property
    def learned(self) -> int:
        """How many tokens are learned."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True, slots=True)
class Rendering:
    """How examples become samples."""

    renderer: Renderer
    """Of the base that is trained."""
    max_length: int
    """Tokens; no sample is longer."""
    learn: Learn = Learn.ANSWERS
    wording: Wording = Wording.FULL
    """How the base is asked for a task."""
    seed: int = 0
    """Chooses the places to fill in; another one for each epoch shows others."""


class NothingToLearnError(DataError):
    """A sample without a single token to learn: it would train nothing, in silence."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(f"{origin}: nothing in it is to be learned")


class TooLongError(DataError):
    """What cannot be cut to the limit without losing what is to be learned."""


def made(ids: list[int], weights: list[float], origin: Origin) -> Sample:
    """A sample of ids and how much each counts, 0 for what is not learned.

    Raises NothingToLearnError.
    """
    labels = tuple(
        number if weight else IGNORED for number, weight in zip(ids, weights, strict=True)
    )
    # The first token is predicted from nothing, so it cannot be learned.
    if all(label == IGNORED for label in labels[1:]):
        raise NothingToLearnError(origin)
    plain = all(weight in (0.0, 1.0) for weight in weights)
    return Sample(tuple(ids), labels, origin, () if plain else tuple(weights))
