"""What changed between two texts, word by word, and how alike they are."""

import difflib
import re
from dataclasses import dataclass
from enum import Enum

# A Han character is a word by itself: Chinese writes no spaces.
_WORD = re.compile(r"\s+|[\u3400-\u9fff\uf900-\ufaff]|\w+(?:['\u2019]\w+)*|[^\w\s]")
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_LONG = 1_000
"""Characters; comparing more of them one by one takes long, so words are compared."""
_LESS_THAN_SAME = 0.999


class Change(Enum):
    """What became of a stretch of text."""

    SAME = "same"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Text of one kind. All but the added ones joined give the old text, all but the removed
    ones the new.
    """

    change: Change
    text: str


def word_diff(old: str, new: str) -> list[Stretch]:
    """The stretches that lead from `old` to `new`, a removed one before the one in its place."""
    before, after = _words(old), _words(new)
    stretches = []
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, b_from, b_to, a_from, a_to in matcher.get_opcodes():
        if kind == "equal":
            stretches.append(Stretch(Change.SAME, "".join(before[b_from:b_to])))
            continue
        if b_to > b_from:
            stretches.append(Stretch(Change.REMOVED, "".join(before[b_from:b_to])))
        if a_to > a_from:
            stretches.append(Stretch(Change.ADDED, "".join(after[a_from:a_to])))
    return stretches


def similarity(taken: str, standing: str) -> float:
    """How alike two texts are, from 0 to 1; 1 is for what is the same alone."""
    if taken == standing:
        return 1.0
    if len(taken) + len(standing) < _LONG:
        matcher = difflib.SequenceMatcher(None, taken, standing, autojunk=False)
        return min(matcher.ratio(), _LESS_THAN_SAME)
    words = difflib.SequenceMatcher(None, _TOKEN.findall(taken), _TOKEN.findall(standing))
    return min(words.ratio(), _LESS_THAN_SAME)


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
