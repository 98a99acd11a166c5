"""How near a suggestion comes to what stands there."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from assistant_eval.statistics import Score, micro


@dataclass(frozen=True, slots=True)
class Suggested:
    """What was suggested at a place, and what stands there."""

    wanted: str
    text: str
    seconds: float
    """From the question to the end of the suggestion."""

    @property
    def right(self) -> bool:
        """Whether it is that, but for space at the ends of lines."""
        return _stripped(self.text) == _stripped(self.wanted)

    @property
    def similarity(self) -> float:
        """From 0 to 1: twice the longest common subsequence, to the characters of both.

        The "edit similarity" of CrossCodeEval (Ding et al. 2023) and RepoBench (Liu et al. 2023).
        """
        return fuzz.ratio(_stripped(self.text), _stripped(self.wanted)) / 100

    @property
    def saved(self) -> int:
        """Characters that nobody has to type: all of a right suggestion but the key that takes it.

        A suggestion that is right for whole lines is taken for those.
        """
        wanted, lines = _stripped(self.wanted).split("\n"), _stripped(self.text).split("\n")
        same = 0
        while same < min(len(wanted), len(lines)) and wanted[same] == lines[same]:
            same += 1
        return max(0, len("\n".join(wanted[:same])) - 1)


@dataclass(frozen=True, slots=True)
class Figures:
    """The measures of many places."""

    right: Score
    similarity: float
    saved: float
    """Characters, of a hundred that were asked for."""
    milliseconds: float
    """In the median."""


def figures_of(found: Sequence[Suggested]) -> Figures:
    """The measures of at least one suggestion."""
    characters = sum(len(one.wanted) for one in found)
    return Figures(
        micro([one.right for one in found]),
        statistics.fmean(one.similarity for one in found),
        100 * sum(one.saved for one in found) / characters,
        1000 * statistics.median(one.seconds for one in found),
    )


def _stripped(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
