"""Prompts and answers as token ids: real Python, which repeats itself as real texts do."""

import argparse
import inspect
import random
import typing
from collections.abc import Sequence

from tokenizers import Tokenizer

from assistant.registry import STARTER, locate

_SOURCES = (argparse, inspect, typing)
_COPIED = (16, 48)
_CHANGED = (4, 12)


class Texts:
    """Pieces of Python, none of them given out twice."""

    def __init__(self) -> None:
        tokenizer = Tokenizer.from_file(str(locate(STARTER).folder / "tokenizer.json"))
        source = "\n".join(inspect.getsource(module) for module in _SOURCES)
        self._ids: list[int] = tokenizer.encode(source, add_special_tokens=False).ids
        self._place = 0

    def take(self, tokens: int) -> list[int]:
        """The next ids. Raises ValueError when the sources are used up."""
        if self._place + tokens > len(self._ids):
            raise ValueError("there is not enough text for so many rounds")
        self._place += tokens
        return self._ids[self._place - tokens : self._place]


def edited(ids: Sequence[int], new: Texts, seed: int) -> tuple[list[int], float]:
    """`ids` as an edit leaves them, and the share of the answer that stands in `ids`.

    Four fifths are copied, in runs of 16 to 48 tokens (one to five lines of code); between them
    runs of 4 to 12 tokens are replaced by as many that stand elsewhere.
    """
    generator = random.Random(seed)
    answer: list[int] = []
    kept = 0
    while len(answer) < len(ids):
        copied = ids[len(answer) : len(answer) + generator.randint(*_COPIED)]
        answer.extend(copied)
        kept += len(copied)
        answer.extend(new.take(min(generator.randint(*_CHANGED), len(ids) - len(answer))))
    return answer, kept / len(answer)
