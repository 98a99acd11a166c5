"""A model sits an exam in many ways, each of them once."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assistant_eval.diagnosis.questions.ways import Way
from assistant_eval.encoding import Encoder, Ids
from assistant_eval.mmlu.answers import Answer, ask
from assistant_eval.mmlu.prompts import Ask, Batch, Item, prepare
from assistant_eval.mmlu.questions import Exam
from assistant_eval.statistics import macro, micro

if TYPE_CHECKING:
    from assistant_eval.reading import Reader

_ROWS = 2048
"""Tokens of padded prompts that are read in one pass."""


@dataclass(frozen=True)
class Sat:
    """The answers of one way."""

    right: Mapping[str, tuple[bool, ...]]
    """By subject, in the questions' order."""
    cut: int
    """Prompts of which a part was lost."""
    right_of_cut: int
    """Those of them that were answered rightly all the same."""

    @property
    def questions(self) -> int:
        """How many were asked."""
        return sum(map(len, self.right.values()))

    @property
    def micro(self) -> float:
        """Per cent right of all questions alike."""
        return 100 * micro([one for own in self.right.values() for one in own]).accuracy

    @property
    def macro(self) -> float:
        """Per cent right, all subjects alike."""
        return 100 * macro([micro(own) for own in self.right.values()]).accuracy

    def stderr(self, of: int) -> float:
        """Of the score as that of `of` questions, of which these are a sample; in points.

        With the correction for finite populations: where all were asked, nothing is left to chance.
        """
        share, count = self.micro / 100, self.questions
        left = max(0.0, 1 - count / of)
        return 100 * math.sqrt(share * (1 - share) / count * left)


@dataclass(frozen=True)
class Writer:
    """How prompts become tokens of a model."""

    encoder: Encoder
    context: int
    """The tokens that the model reads."""
    bare: tuple[Ids, ...]
    """The letters by themselves, as the vocabulary's entries of those names."""
    pad: int
    """The token that fills a batch up."""


class Sitting:
    """Asks, and remembers what was answered."""

    def __init__(self, reader: "Reader", writer: "Writer", exam: Exam) -> None:
        self._reader, self._writer, self._exam = reader, writer, exam
        self._found: dict[Way, list[Answer]] = {}

    def answers(self, way: Way) -> list[Answer]:
        """What the model answers."""
        if way.asked not in self._found:
            self._found[way.asked] = [
                answer for answers in ask(self._reader, self.batches(way)) for answer in answers
            ]
        return self._found[way.asked]

    def sat(self, way: Way) -> Sat:
        """The answers by the way's measure."""
        right: dict[str, dict[int, bool]] = {}
        cut: list[bool] = []
        for one in self.answers(way):
            good = one.predicted[way.measure] == one.right
            right.setdefault(one.subject, {})[one.number] = good
            if one.lost:
                cut.append(good)
        by_subject = {
            name: tuple(good for _, good in sorted(own.items())) for name, own in right.items()
        }
        return Sat(by_subject, len(cut), sum(cut))

    def batches(self, way: Way) -> Sequence[Batch]:
        """Everything that is read for a way."""
        writer = self._writer
        prompts = prepare(self._exam, [way.protocol], way.shots, writer.encoder, writer.context)
        batches: Sequence[Batch] = prompts.batches
        if way.compared == "bare":
            batches = [self._with_bare_letters(batch) for batch in batches]
        if way.padded is not None:
            batches = list(self._padded(batches, way.padded))
        return batches

    def _with_bare_letters(self, batch: Batch) -> Batch:
        items = (
            replace(item, asks=tuple(replace(ask, compared=self._writer.bare) for ask in item.asks))
            for item in batch.items
        )
        return replace(batch, items=tuple(items))

    def _padded(self, batches: Sequence[Batch], size: int) -> Iterator[Batch]:
        """Prompts in the exam's order, those of a batch as long as its longest.

        Nothing tells the model which tokens are padding: it reads them as text.
        """
        order = {subject.name: place for place, subject in enumerate(self._exam.subjects)}
        prompts: list[tuple[Ids, Ask]] = [
            ((*batch.prefix, *item.ids), ask)
            for batch in batches
            for item in batch.items
            for ask in item.asks
        ]
        prompts.sort(key=lambda one: (order[one[1].subject.name], one[1].question.number))
        pad = self._writer.pad
        for start in range(0, len(prompts), size):
            group = prompts[start : start + size]
            longest = max(len(ids) for ids, _ in group)
            items = [Item((pad,) * (longest - len(ids)) + ids, (ask,)) for ids, ask in group]
            at_once = max(1, _ROWS // longest)
            for place in range(0, len(items), at_once):
                yield Batch((), tuple(items[place : place + at_once]))
