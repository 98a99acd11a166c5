"""Prompts as token ids, as the protocols' own programs get them: by the tokenizer as it is.

Elsewhere text never becomes a control token. Here it is the other way round: a figure can be
compared with a published one only where every id is the same, so the tokenizer's own rules hold,
for the beginning of a text, too.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Literal

from tokenizers import Tokenizer

from assistant.prompts import TextTokenizer
from assistant.prompts.segments import BOS

_TOGETHER = 64
"""Texts that are encoded at once, on all cores; more would take memory for nothing."""

Ids = tuple[int, ...]
Bos = Literal["tokenizer", "always", "none"]
"""Who decides on the token that begins a text: the tokenizer's own default, or who encodes."""


class Encoder:
    """Encodes for one model."""

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self._fast = Tokenizer.from_str(tokenizer.fast.to_str())
        self._fast.no_truncation()
        self._fast.no_padding()
        self.bos = tokenizer.token_id(BOS)
        """The token that begins a text, or None where there is none."""

    def encode(self, texts: Sequence[str], bos: Bos) -> Iterator[Ids]:
        """The ids of each text, in order."""
        first = (self.bos,) if bos == "always" and self.bos is not None else ()
        for start in range(0, len(texts), _TOGETHER):
            part = list(texts[start : start + _TOGETHER])
            for found in self._fast.encode_batch_fast(part, add_special_tokens=bos == "tokenizer"):
                yield (*first, *found.ids)

    def behind(self, prompt: str, continuations: Sequence[str], bos: Bos) -> tuple[Ids, ...]:
        """The ids of continuations as they are behind this prompt.

        A tokenizer may write a word otherwise by itself: each is encoded together with the prompt.
        """
        start, *whole = self.encode([prompt, *(prompt + one for one in continuations)], bos)
        return tuple(ids[len(start) :] for ids in whole)


def shared_beginning(texts: Sequence[Ids]) -> int:
    """How many tokens all of these texts begin with, one at least left of each."""
    if len(texts) < 2:
        return 0
    # What the first and the last in order have in common, all have.
    pairs = zip(min(texts), max(texts), strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return min(common, min(map(len, texts)) - 1)
