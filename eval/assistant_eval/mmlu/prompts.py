"""Every prompt of an exam under every protocol, arranged for the model to read.

Prompts that come out as the same tokens are read once, whichever protocols they are for; prompts
that begin alike stand together, so that their beginning is read once.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant_eval.encoding import Encoder, Ids, shared_beginning
from assistant_eval.mmlu.protocols import Protocol
from assistant_eval.mmlu.questions import LETTERS, Exam, Question, Subject

_ROWS = 512
"""Tokens behind the common beginning that are read in one pass, unless one text has more."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question under one protocol."""

    protocol: Protocol
    subject: Subject
    question: Question
    tokens: int
    """Of the prompt as it is read."""
    shots: int
    """Examples that are in it."""
    lost: int
    """Tokens that were cut off."""
    compared: tuple[Ids, ...]
    """The continuations whose likelihoods are compared, in the order of the options."""


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt's tokens behind the common beginning, and all who ask it."""

    ids: Ids
    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Prompts that are read in one pass."""

    prefix: Ids
    """What they all begin with; may be empty."""
    items: tuple[Item, ...]

    @property
    def asks(self) -> Iterator[Ask]:
        """Everything that is asked in this pass."""
        return (ask for item in self.items for ask in item.asks)


@dataclass
class Facts:
    """What the prompts of one protocol were, for the passport."""

    compared: dict[str, list[int]] | None = None
    """The ids that stand for each letter; None where the options' own texts are compared."""
    bos: int | None = None
    """The token that begins each prompt, where one does."""
    shots: dict[int, int] = field(default_factory=dict)
    """How many prompts have so many examples."""
    cut: int = 0
    """Prompts of which a part was cut off."""
    texts: Any = field(default_factory=hashlib.sha256)
    ids: Any = field(default_factory=hashlib.sha256)

    def note(self, text: str, ask: Ask, ids: Ids, bos: int | None) -> None:
        """Count another prompt in."""
        self.bos = ids[0] if bos is not None and ids[0] == bos else self.bos
        self.shots[ask.shots] = self.shots.get(ask.shots, 0) + 1
        self.cut += ask.lost > 0
        self.texts.update(f"{text}\0".encode())
        self.ids.update(f"{','.join(map(str, ids))};".encode())


@dataclass(frozen=True, slots=True)
class Prompts:
    """All prompts of an exam."""

    batches: tuple[Batch, ...]
    facts: dict[str, Facts]
    """By the protocol's name."""

    def __len__(self) -> int:
        return sum(1 for batch in self.batches for _ in batch.asks)


def prepare(
    exam: Exam,
    protocols: Sequence[Protocol],
    shots: int,
    encoder: Encoder,
    context: int,
    told: Callable[[str], object] = lambda _: None,
) -> Prompts:
    """Write and encode all prompts. `context` is what the model can read, in tokens.

    The arrangement says nothing but by what is asked, so that it is the same again after an
    interruption. `told` hears which subject is under way.
    """
    facts = {protocol.name: Facts() for protocol in protocols}
    batches: list[Batch] = []
    for subject in exam.subjects:
        told(subject.name)
        found: dict[Ids, list[Ask]] = {}
        for protocol in protocols:
            for ids, ask in _written(protocol, subject, shots, encoder, context, facts):
                found.setdefault(ids, []).append(ask)
        batches += _arranged(found)
    return Prompts(tuple(batches), facts)


def _written(
    protocol: Protocol,
    subject: Subject,
    shots: int,
    encoder: Encoder,
    context: int,
    facts: dict[str, Facts],
) -> Iterator[tuple[Ids, Ask]]:
    """Each question of a subject under a protocol, with the ids of its prompt."""
    style, noted = protocol.style, facts[protocol.name]
    starts = [style.begin(subject.name)]
    for example in subject.shots[:shots]:
        starts.append(starts[-1] + style.example(example))
    puts = [style.put(question) for question in subject.questions]
    compared = _compared(protocol, subject, encoder, starts[-1] + puts[0])
    if protocol.reading in ("letters", "bare letters") and noted.compared is None:
        noted.compared = {letter: [*ids] for letter, ids in zip(LETTERS, compared[0], strict=True)}
    rooms = [_room(protocol, context, continuations) for continuations in compared]
    for place, (text, ids, kept) in enumerate(_fitting(protocol, starts, puts, rooms, encoder)):
        room = rooms[place]
        read = ids[-room:] if protocol.cut == "left" else ids[:room]
        lost = len(ids) - len(read)
        question = subject.questions[place]
        ask = Ask(protocol, subject, question, len(read), kept, lost, compared[place])
        noted.note(text, ask, read, encoder.bos)
        yield read, ask


def _compared(
    protocol: Protocol, subject: Subject, encoder: Encoder, prompt: str
) -> list[tuple[Ids, ...]]:
    """For each question the continuations that are compared; `prompt` is the first one's."""
    count = len(subject.questions)
    if protocol.reading == "options":
        texts = [f" {option}" for question in subject.questions for option in question.options]
        found = list(encoder.encode(texts, "none"))
        width = len(LETTERS)
        return [tuple(found[width * place : width * (place + 1)]) for place in range(count)]
    if protocol.reading == "letters":
        return [encoder.behind(prompt, [f" {letter}" for letter in LETTERS], protocol.bos)] * count
    if protocol.reading == "bare letters":
        return [tuple(ids[:1] for ids in encoder.encode(LETTERS, "none"))] * count
    return [()] * count


def _room(protocol: Protocol, context: int, compared: tuple[Ids, ...]) -> int:
    """The longest prompt that leaves room for what comes behind it."""
    # The last token of all is never read: nothing is asked behind it.
    behind = max([protocol.writes, *map(len, compared)]) - 1
    room = context - behind
    return room if protocol.most_tokens is None else min(room, protocol.most_tokens)


def _fitting(
    protocol: Protocol,
    starts: Sequence[str],
    puts: Sequence[str],
    rooms: Sequence[int],
    encoder: Encoder,
) -> list[tuple[str, Ids, int]]:
    """Each prompt with its ids and examples, fewer of those where the protocol leaves some out."""
    found: dict[int, tuple[str, Ids, int]] = {}
    left = list(range(len(puts)))
    for kept in reversed(range(len(starts))):
        texts = [starts[kept] + puts[place] for place in left]
        too_long = []
        for place, text, ids in zip(left, texts, encoder.encode(texts, protocol.bos), strict=True):
            if protocol.drops_shots and kept and len(ids) > rooms[place]:
                too_long.append(place)
            else:
                found[place] = (text, ids, kept)
        left = too_long
        if not left:
            break
    return [found[place] for place in range(len(puts))]


def _arranged(found: dict[Ids, list[Ask]]) -> Iterator[Batch]:
    """The prompts of a subject, those that begin alike together, the longest first."""
    alike: dict[tuple[str, int, bool], list[Ids]] = {}
    for ids, asks in found.items():
        first = asks[0]
        key = (first.protocol.name, first.shots, first.lost > 0)
        alike.setdefault(key, []).append(ids)
    for group in alike.values():
        shared = shared_beginning(group)
        items = [Item(ids[shared:], tuple(found[ids])) for ids in group]
        items.sort(key=lambda item: -len(item.ids))
        prefix = group[0][:shared]
        for batch in _passes(items):
            yield Batch(prefix, batch)


def _passes(items: Sequence[Item]) -> Iterator[tuple[Item, ...]]:
    batch: list[Item] = []
    rows = 0
    for item in items:
        if batch and rows + len(item.ids) > _ROWS:
            yield tuple(batch)
            batch, rows = [], 0
        batch.append(item)
        rows += len(item.ids)
    if batch:
        yield tuple(batch)
