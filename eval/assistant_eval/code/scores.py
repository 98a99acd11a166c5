"""How many questions a model solves, if it may try k times."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant_eval.code.answers import Answer
from assistant_eval.statistics import Score, mean

_TRIES = (1, 10, 100)


@dataclass(frozen=True, slots=True)
class Scores:
    """What came of a run."""

    pass_at: Mapping[int, Score]
    """By k: the expected share of questions of which one of k programs passes."""
    kinds: Mapping[str, int]
    """Programs by what came of them; see `Verdict`."""
    passed: Mapping[str, int]
    """By question, the programs that passed."""
    samples: int
    """Programs for each question."""


def score(answers: Sequence[Answer]) -> Scores:
    """The scores of a run's answers, as many for each question."""
    passed: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for answer in answers:
        passed[answer.task] = passed.get(answer.task, 0) + answer.passed
        kinds[answer.kind] = kinds.get(answer.kind, 0) + 1
    samples = len(answers) // len(passed)
    return Scores(
        pass_at={
            tries: mean([pass_at(tries, samples, count) for count in passed.values()])
            for tries in _TRIES
            if tries <= samples
        },
        kinds=dict(sorted(kinds.items(), key=lambda item: -item[1])),
        passed=passed,
        samples=samples,
    )


def pass_at(tries: int, samples: int, passed: int) -> float:
    """The chance that one of `tries` programs passes, unbiased, from `samples` of which some did.

    1 - C(n - c, k) / C(n, k), from Chen et al. 2021 (arXiv 2107.03374), section 2.1. Raises
    ValueError when there are fewer samples than tries.
    """
    if not 0 <= passed <= samples or not 1 <= tries <= samples:
        raise ValueError(f"pass@{tries} of {samples} programs, {passed} of them right, is nothing")
    return 1 - math.comb(samples - passed, tries) / math.comb(samples, tries)
