"""What stands behind `Answer:`: numbers, letters, and which tokens of theirs."""

import math
from collections import Counter
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from assistant_eval.diagnosis.case import Case
from assistant_eval.diagnosis.checks import CannotRun, Check
from assistant_eval.diagnosis.findings import Cause, Finding, Look, Weight
from assistant_eval.mmlu.prompts import prepare
from assistant_eval.mmlu.protocols import PROTOCOLS
from assistant_eval.mmlu.questions import LETTERS, MOST_SHOTS

if TYPE_CHECKING:
    import torch

_ANSWERS = 0.2
"""The share of the probability from which on a model is said to answer by letters."""
_MUCH = 2.0
"""Times the probability of the others from which on the bare letters are the model's answers."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What the model holds likely behind one question."""

    letter: str
    """The likeliest of the four."""
    likeliest: bool
    """Whether nothing else is likelier."""
    mass: float
    """The probability of the four letters as they stand behind `Answer:`."""
    bare: float
    """That of the four letters without a space before them."""


class Letters(Check):
    """Looks at the probabilities behind some questions, five examples before each."""

    name = "letters"
    doing = "looking at the probabilities of the letters"

    def look(self, case: Case) -> Look:
        """See Check."""
        found, broken = _behind(case)
        if broken:
            wanted = "logits that are numbers"
            seen = f"NaN or infinity behind {broken} of {broken + len(found)} questions"
            return Look(seen, (Finding(Cause.NON_FINITE, Weight.LIKELY, wanted, seen),))
        mass, bare = fmean(one.mass for one in found), fmean(one.bare for one in found)
        named = fmean(one.likeliest for one in found)
        histogram = Counter(one.letter for one in found)
        told = " ".join(f"{letter} {histogram[letter]}" for letter in LETTERS)
        seen = (
            f"{told}; letters have {mass:.0%} of the probability, bare ones {bare:.0%};"
            f" a letter would be written {named:.0%} of the time"
        )
        findings = []
        if mass + bare > _ANSWERS and bare > _MUCH * mass:
            wanted = "more probability for the letters behind a space than for bare ones"
            shares = f"{mass:.0%} and {bare:.0%}"
            findings.append(Finding(Cause.WRONG_LETTER_TOKEN, Weight.SYMPTOM, wanted, shares))
        if len(histogram) == 1:
            findings.append(
                Finding(Cause.CONSTANT_LETTER, Weight.NOTE, "several letters", f"{told} always")
            )
        return Look(seen, tuple(findings))


def _behind(case: Case) -> tuple[list[Behind], int]:
    """What is likely behind each question, and for how many that is no number."""
    import torch

    prompts = prepare(
        case.few, [PROTOCOLS["harness"]], MOST_SHOTS, case.encoder, case.loaded.context
    )
    bare = [token for ids in case.writer.bare for token in ids]
    found, broken = list[Behind](), 0
    for batch in prompts.batches:
        start = case.reader.begin(batch.prefix)
        read = case.reader.read([(start, item.ids) for item in batch.items])
        for text, item in zip(read, batch.items, strict=True):
            letters = [ids[0] for ids in item.asks[0].compared if ids]
            if len(letters) < len(LETTERS):
                raise CannotRun("the tokenizer has no letters behind `Answer:`")
            probabilities = torch.softmax(text.logits[-1], dim=-1)
            if bool(torch.isfinite(text.logits[-1]).all()):
                found.append(_of(probabilities, letters, bare))
            else:
                broken += 1
    return found, broken


def _of(probabilities: "torch.Tensor", letters: list[int], bare: list[int]) -> Behind:
    values = [float(probabilities[token]) for token in letters]
    best = max(range(len(values)), key=values.__getitem__)
    others = [token for token in bare if token not in letters]
    return Behind(
        LETTERS[best],
        int(probabilities.argmax()) in letters,
        math.fsum(values),
        math.fsum(float(probabilities[token]) for token in others),
    )
