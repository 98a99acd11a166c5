"""Whether one form of a model answers as another, on what the user had held out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy

from assistant.prompts import IGNORED

_MOST_PLACES = 512
"""Of which the probabilities of all tokens are kept."""

Logits = Callable[[Sequence[int]], torch.Tensor]
"""From ids to what a model thinks of the next token behind each: `[ids, vocabulary]`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One text as the model sees it."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    """The ids to answer with, and IGNORED for what is only read."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model thinks at the places where the samples' answers stand."""

    probabilities: torch.Tensor
    """`[places, vocabulary]`."""
    loss: float
    """Of the answers, in nats a token."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near two models are."""

    places: int
    """Tokens of answers that were compared, with the same text before each."""
    distance: float
    """The mean distance between their probabilities, as total variation: 0 is the same, 1 has
    nothing in common."""
    same: float
    """The share of places where both think the same token the most likely."""
    loss: float
    """Of the one that is checked, in nats a token."""
    expected_loss: float
    """Of the one that it is to answer as."""


def split_rows(rows: Iterable[dict[str, list[int]]]) -> list[Sample]:
    """The samples of rows in which several may stand, each beginning with position 0."""
    found = []
    for row in rows:
        positions = row["position_ids"]
        starts = [place for place, position in enumerate(positions) if position == 0]
        for start, end in zip(starts, [*starts[1:], len(positions)], strict=True):
            ids, labels = row["input_ids"][start:end], row["labels"][start:end]
            found.append(Sample(tuple(ids), tuple(labels)))
    return found


def answers(logits: Logits, samples: Sequence[Sample]) -> Answers:
    """What a model thinks of the answers in `samples`, of the first places of them."""
    parts, targets = list[torch.Tensor](), list[int]()
    for sample in samples:
        # What stands at a place is foretold at the one before it.
        places = [n - 1 for n, label in enumerate(sample.labels) if n and label != IGNORED]
        places = places[: _MOST_PLACES - len(targets)]
        if places:
            parts.append(logits(sample.ids)[places].float().cpu())
            targets += [sample.labels[place + 1] for place in places]
    found = torch.cat(parts)
    return Answers(found.softmax(-1), float(cross_entropy(found, torch.tensor(targets))))


def agreement(found: Answers, expected: Answers) -> Agreement:
    """How near the answers of two models to the same samples are."""
    distance, same = apart(found.probabilities, expected.probabilities)
    return Agreement(len(found.probabilities), distance, same, found.loss, expected.loss)


def apart(found: torch.Tensor, expected: torch.Tensor) -> tuple[float, float]:
    """The mean distance of probabilities `[places, vocabulary]`, and the share of equal likeliest.

    Vocabularies may be filled up to different sizes: tokens beyond the smaller one do not exist.
    """
    size = min(found.shape[-1], expected.shape[-1])
    found, expected = found[:, :size], expected[:, :size]
    distance = ((found - expected).abs().sum(-1) / 2).mean()
    same = (found.argmax(-1) == expected.argmax(-1)).float().mean()
    return float(distance), float(same)
