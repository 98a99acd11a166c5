"""Guessing the next tokens from the text itself, so that one pass can check several.

Where an answer repeats what was asked (a polished note, an edited function), what followed the same
few tokens before is likely to follow again. Leviathan et al. 2023 (arXiv 2211.17192) check guesses
in one pass; guessing by look-up is Saxena's prompt look-up decoding. The answer stays exactly what
it would be without: every token is chosen from the model's own logits, and a guess only decides
whether the next logits are there already.
"""

from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from typing import Protocol

_LONG, _SHORT = 3, 2
"""Tokens that must repeat before what followed them is guessed: at best, and at least."""
_MOST = 63
_ROW = 0.1
"""What another row costs of a pass of one: 0.07 in a 1.1B model in 4 bits, 0.14 in the starter."""
_WRONG, _CHECKED = 1.0, 12.0
"""What is believed of guesses before there were any: one token of so many is wrong."""
_FADES = 0.97
"""How much of what was seen is still believed behind each token."""
_LONGEST_RUN = 400
_TRUST_LOST = 3
"""Guesses wrong from their first token on before guesses by the shorter key rest."""
_REST, _LONGEST_REST = 16, 512
"""Tokens for which they rest then; twice as many the next time, until one is right again."""


class Drafter(Protocol):
    """What guesses for one text."""

    def guess(self, ids: Sequence[int], most: int) -> list[int]:
        """What may follow `ids`, at most `most` tokens, often nothing.

        `ids` is what it was at the last call with tokens added.
        """

    def learn_outcome(self, guessed: int, right: int) -> None:
        """Of `guessed` tokens the first `right` were right."""


class LookUp:
    """Guesses for one text.

    The rarer its tokens were wrong of late, the more it guesses at once: a check of many tokens
    costs more than one of few. Of several places that read the same, the one nearest to
    where the last right guess would be by now is taken: an edit goes through its text in order.
    """

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._places: dict[tuple[int, ...], list[int]] = {}
        """Where the text goes on behind each key, in order."""
        self._taken: int | None = None
        self._expected: int | None = None
        self._wrong_tokens, self._checked = _WRONG, _CHECKED
        self._wrong = self._rest = 0
        self._next_rest = _REST

    def guess(self, ids: Sequence[int], most: int) -> list[int]:
        """See `Drafter`."""
        self._learn(ids)
        most = min(most, self._length)
        if most < 1:
            return []
        place = self._place(_LONG)
        if place is None and self._rest <= 0:
            place = self._place(_SHORT)
        self._taken = place
        return [] if place is None else self._ids[place : place + most]

    def learn_outcome(self, guessed: int, right: int) -> None:
        """See `Drafter`."""
        self._rest -= 1 + right
        if not guessed:
            return
        wrong = right < guessed
        fade = _FADES ** (right + wrong)
        self._wrong_tokens = self._wrong_tokens * fade + wrong
        self._checked = self._checked * fade + right + wrong
        if right:
            self._expected = self._taken
            self._wrong, self._next_rest = 0, _REST
            return
        self._wrong += 1
        if self._wrong >= _TRUST_LOST:
            self._wrong, self._rest = 0, self._next_rest
            self._next_rest = min(_LONGEST_REST, 2 * self._next_rest)

    @property
    def _length(self) -> int:
        """How many tokens to guess at once."""
        run = self._checked / max(self._wrong_tokens, 1 / _LONGEST_RUN)
        return _best_length(min(round(run), _LONGEST_RUN))

    def _place(self, size: int) -> int | None:
        """Where a text that ends like this one went on."""
        found = self._places.get(tuple(self._ids[-size:]))
        if not found:
            return None
        if self._expected is None:
            return found[-1]
        after = bisect_left(found, self._expected)
        near = found[max(0, after - 1) : after + 1]
        return min(near, key=lambda place: abs(place - (self._expected or 0)))

    def _learn(self, ids: Sequence[int]) -> None:
        """Take new tokens in. Behind the very last one there is nothing yet: it comes later."""
        begin = len(self._ids)
        self._ids.extend(ids[begin:])
        if self._expected is not None:
            self._expected += len(self._ids) - begin
        for size in (_LONG, _SHORT):
            for end in range(max(begin, size), len(self._ids)):
                self._places.setdefault(tuple(self._ids[end - size : end]), []).append(end)


@cache
def _best_length(run: int) -> int:
    """How many tokens to guess where one of `run` is wrong: the most right ones for their time."""
    goes_on, holds, right = 1 - 1 / max(run, 2), 1.0, 0.0
    best, length = 1.0, 1
    for number in range(1, _MOST + 1):
        holds *= goes_on
        right += holds
        value = (1 + right) / (1 + _ROW * number)
        if value > best:
            best, length = value, number
    return length
