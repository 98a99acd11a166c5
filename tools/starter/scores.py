"""How close an answer comes to what was wanted."""

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORD = re.compile(r"[a-z0-9]+")


def distance(left: str, right: str) -> int:
    """The Levenshtein distance: how many characters must be put in, taken out or replaced."""
    row = list(range(len(right) + 1))
    for number, one in enumerate(left, start=1):
        corner, row[0] = row[0], number
        for place, other in enumerate(right, start=1):
            replaced = corner + (one != other)
            corner = row[place]
            row[place] = min(replaced, corner + 1, row[place - 1] + 1)
    return row[-1]


def similarity(left: str, right: str) -> float:
    """1 minus the Levenshtein distance as a share of the longer text."""
    longer = max(len(left), len(right))
    return 1 - distance(left, right) / longer if longer else 1.0


def token_f1(answer: str, reference: str) -> float:
    """The F1 of the words that two texts have in common, counted as often as they occur."""
    given, wanted = Counter(_words(answer)), Counter(_words(reference))
    common = (given & wanted).total()
    return 2 * common / (given.total() + wanted.total()) if common else 0.0


def _words(text: str) -> list[str]:
    """Lower-case words; names are taken apart at underscores and capitals."""
    return _WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())


@dataclass(frozen=True)
class Mended:
    """What became of the words of one text: wrong ones put right, and right ones lost."""

    wrong: int
    fixed: int
    broken: int


def mended(spoiled: str, answer: str, clean: str) -> Mended:
    """Compare by the words of `clean`: which stood in `spoiled`, and which stand in `answer`."""
    words = clean.split()
    before, after = _kept(words, spoiled.split()), _kept(words, answer.split())
    return Mended(
        wrong=len(words) - len(before), fixed=len(after - before), broken=len(before - after)
    )


def _kept(words: list[str], others: list[str]) -> set[int]:
    blocks = SequenceMatcher(None, words, others, autojunk=False).get_matching_blocks()
    return {place for start, _, size in blocks for place in range(start, start + size)}
