"""From what a model makes of a prompt to the letter that counts as its answer."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assistant_eval.mmlu.prompts import Ask, Batch
from assistant_eval.mmlu.protocols import ACC, ACC_NORM, Protocol
from assistant_eval.mmlu.questions import LETTERS

if TYPE_CHECKING:
    from assistant_eval.reading import Read, Reader

_DIGITS = 6
"""Of a likelihood: more are noise of the processor's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to one question under one protocol."""

    protocol: str
    subject: str
    number: int
    """The question's place in the subject's test."""
    right: str
    """The letter of the right option."""
    predicted: Mapping[str, str | None]
    """The model's letter for each of the protocol's measures; None where it named none."""
    likelihoods: tuple[float | None, ...] | None
    """The log-likelihoods that were compared, in nats; None for one that is no number."""
    text: str | None
    """What the model wrote, where it wrote."""
    tokens: int
    shots: int
    lost: int
    """See `Ask`."""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Answer":
        """The answer of a line in a run's folder."""
        likelihoods = fields["likelihoods"]
        return cls(**{**fields, "likelihoods": None if likelihoods is None else tuple(likelihoods)})


def ask(reader: "Reader", batches: Iterable[Batch]) -> Iterator[list[Answer]]:
    """The answers to everything in each batch; what batches begin with is read once."""
    start: Read | None = None
    for batch in batches:
        if start is None or start.ids != batch.prefix:
            start = None  # two beginnings need not be held at once
            start = reader.begin(batch.prefix)
        yield _answers(reader, start, batch)


def _answers(reader: "Reader", start: "Read", batch: Batch) -> list[Answer]:
    read = reader.read([(start, item.ids) for item in batch.items])
    by_protocol: dict[str, list[tuple[Read, Ask]]] = {}
    for text, item in zip(read, batch.items, strict=True):
        for ask in item.asks:
            by_protocol.setdefault(ask.protocol.name, []).append((text, ask))
    return [
        answer
        for asked in by_protocol.values()
        for answer in _of_protocol(reader, asked[0][1].protocol, asked)
    ]


def _of_protocol(
    reader: "Reader", protocol: Protocol, asked: Sequence[tuple["Read", Ask]]
) -> list[Answer]:
    if protocol.writes:
        texts = reader.generate([text for text, _ in asked], protocol.writes, protocol.stop)
        return [
            _answer(ask, {ACC: _written(protocol, text)}, None, text)
            for (_, ask), text in zip(asked, texts, strict=True)
        ]
    likelihoods = reader.likelihoods([(text, ask.compared) for text, ask in asked])
    return [
        _answer(ask, _compared(ask, found), found, None)
        for (_, ask), found in zip(asked, likelihoods, strict=True)
    ]


def _written(protocol: Protocol, text: str) -> str | None:
    """The letter in what was written, as the protocol wants it."""
    text = text.strip()
    if protocol.reading == "written start":
        text = text[:1]
    return text if text and text in tuple(LETTERS) else None


def _compared(ask: Ask, likelihoods: Sequence[float]) -> dict[str, str | None]:
    """The letter of the likeliest continuation; of several alike, the first."""
    found: dict[str, str | None] = {ACC: _likeliest(likelihoods)}
    if ACC_NORM in ask.protocol.measures:
        lengths = [len(option) for option in ask.question.options]
        divided = [value / size for value, size in zip(likelihoods, lengths, strict=True)]
        found[ACC_NORM] = _likeliest(divided)
    return found


def _likeliest(values: Sequence[float]) -> str:
    return LETTERS[max(range(len(values)), key=values.__getitem__)]


def _answer(
    ask: Ask,
    predicted: Mapping[str, str | None],
    likelihoods: Sequence[float] | None,
    text: str | None,
) -> Answer:
    rounded = None
    if likelihoods is not None:
        rounded = tuple(
            round(value, _DIGITS) if math.isfinite(value) else None for value in likelihoods
        )
    return Answer(
        protocol=ask.protocol.name,
        subject=ask.subject.name,
        number=ask.question.number,
        right=ask.question.letter,
        predicted=predicted,
        likelihoods=rounded,
        text=text,
        tokens=ask.tokens,
        shots=ask.shots,
        lost=ask.lost,
    )
