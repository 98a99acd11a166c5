"""Scores of an exam: by subject, by category and of all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant_eval.mmlu.answers import Answer
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.subjects import CATEGORIES, OWN, category_of
from assistant_eval.statistics import Score, macro, micro


@dataclass(frozen=True, slots=True)
class Scores:
    """What came of one protocol by one measure."""

    protocol: str
    measure: str
    micro: Score
    """Of all questions alike."""
    macro: Score
    """Of all subjects alike."""
    categories: Mapping[str, Score]
    """Of all questions of a category alike."""
    subjects: Mapping[str, Score]
    unanswered: int
    """Questions to which no letter was given; they count as wrong."""
    letters: Mapping[str, int]
    """How often each letter was given."""

    @property
    def title(self) -> str:
        """The protocol's name, with the measure where it has several."""
        several = len(PROTOCOLS[self.protocol].measures) > 1
        return f"{self.protocol} {self.measure}" if several else self.protocol


def score(answers: Sequence[Answer]) -> list[Scores]:
    """The scores of all protocols and measures that were answered, in the protocols' order."""
    found = []
    for protocol in PROTOCOLS.values():
        own = [answer for answer in answers if answer.protocol == protocol.name]
        found += [_score(own, measure) for measure in protocol.measures if own]
    return found


def _score(answers: Sequence[Answer], measure: str) -> Scores:
    subjects: dict[str, list[bool]] = {}
    categories: dict[str, list[bool]] = {name: [] for name in (*CATEGORIES, OWN)}
    letters: dict[str, int] = {}
    for answer in sorted(answers, key=lambda one: (one.subject, one.number)):
        letter = answer.predicted[measure]
        right = letter == answer.right
        subjects.setdefault(answer.subject, []).append(right)
        categories[category_of(answer.subject)].append(right)
        if letter is not None:
            letters[letter] = letters.get(letter, 0) + 1
    by_subject = {name: micro(right) for name, right in subjects.items()}
    return Scores(
        protocol=answers[0].protocol,
        measure=measure,
        micro=micro([right for own in subjects.values() for right in own]),
        macro=macro(by_subject.values()),
        categories={name: micro(right) for name, right in categories.items() if right},
        subjects=by_subject,
        unanswered=len(answers) - sum(letters.values()),
        letters=dict(sorted(letters.items())),
    )
