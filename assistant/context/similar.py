"""How alike two pieces of code are, by the words in them."""

import re

_WORD = re.compile(r"\w+")


def words(text: str) -> frozenset[str]:
    """The words and numbers of a text."""
    return frozenset(_WORD.findall(text))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """From 0, no word in common, to 1, the same words (Dice's coefficient)."""
    total = len(one) + len(other)
    return 2 * len(one & other) / total if total else 1.0
