"""What is sent with every completion of a document, as still as can be.

The engine has computed what stood in the last prompt, up to the first difference. So pieces keep
their order, new ones go behind the old, and old ones go only in batches: when something better has
no room, or when what they say is no longer so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.context.pieces import Piece
from assistant.context.similar import likeness, words

_COPIED = 0.5
"""Models copy what is more like the text at the cursor than this."""
_SAME = 0.9
"""Pieces that are more alike than this say the same."""
_LINES_AROUND = 30
_URGENT = 6
"""So many of the most telling pieces get their room; for others, nothing is thrown out."""


@dataclass(frozen=True, slots=True)
class Left:
    """A piece that is not sent, and why."""

    piece: Piece
    reason: str


@dataclass(frozen=True, slots=True)
class Kept:
    """The pieces for one document, in their order, and what was left out."""

    pieces: tuple[Piece, ...] = ()
    left: tuple[Left, ...] = ()

    @property
    def size(self) -> int:
        """The characters of the pieces."""
        return sum(piece.size for piece in self.pieces)


NO_ROOM = "no room is left for it"
TOO_LIKE = "too much like the text at the cursor"
ALREADY_THERE = "it stands in what is sent of the file itself"
SAID_BEFORE = "another piece says the same"


def renewed(
    old: Kept,
    wanted: Sequence[Piece],
    budget: int,
    before: str,
    after: str,
    allowed: Callable[[str], bool] = lambda file: True,
) -> Kept:
    """What to send from now on; `wanted` is the best there is, the most telling first.

    `budget` is in characters; `before` and `after` are what is sent of the file itself; `allowed`
    says of a file's whole path whether anything of it may be sent.
    """
    judge = _Judge(before, after)
    wanted = [piece for piece in _each_once(wanted) if allowed(piece.file)]
    newest = {piece.identity: piece.text for piece in wanted if piece.identity}
    kept = [
        piece
        for piece in old.pieces
        if allowed(piece.file)
        and newest.get(piece.identity, piece.text) == piece.text
        and not judge.objection(piece)
    ]
    pieces, left = _filled(kept, wanted, budget, judge)
    urgent = wanted[:_URGENT]
    if any(one.reason == NO_ROOM and one.piece in urgent for one in left):
        best, _ = _filled([], wanted, budget, judge)
        pieces, left = _filled([p for p in kept if p in best], best, budget, judge)
        left += [Left(p, NO_ROOM) for p in wanted if p not in pieces and p not in best]
    return Kept(tuple(pieces), tuple(left))


def _each_once(pieces: Sequence[Piece]) -> list[Piece]:
    """Without a second text of the same definition."""
    first: dict[tuple[str, ...], Piece] = {}
    for piece in pieces:
        first.setdefault(piece.identity or (piece.file, piece.text), piece)
    return list(first.values())


def _filled(
    kept: Sequence[Piece], wanted: Sequence[Piece], budget: int, judge: "_Judge"
) -> tuple[list[Piece], list[Left]]:
    """`kept`, and behind it what else fits, and what does not belong there."""
    pieces: list[Piece] = []
    left: list[Left] = []
    size = 0
    for piece in dict.fromkeys([*kept, *wanted]):
        reason = judge.objection(piece) or judge.repeats(piece, pieces)
        if not reason and size + piece.size > budget:
            reason = NO_ROOM
        if reason:
            left.append(Left(piece, reason))
        else:
            pieces.append(piece)
            size += piece.size
    return pieces, left


class _Judge:
    """What speaks against a piece, beside the text of the file itself."""

    def __init__(self, before: str, after: str) -> None:
        self._file = before + after
        lines = before.split("\n")[-_LINES_AROUND:] + after.split("\n")[:_LINES_AROUND]
        self._around = words("\n".join(lines))

    def objection(self, piece: Piece) -> str:
        """Why a piece would do harm, or empty."""
        if piece.text in self._file:
            return ALREADY_THERE
        return TOO_LIKE if likeness(words(piece.text), self._around) > _COPIED else ""

    def repeats(self, piece: Piece, others: Sequence[Piece]) -> str:
        """Why a piece says nothing new beside others, or empty."""
        if piece.origin == "definition":
            return ""
        own = words(piece.text)
        alike = any(likeness(own, words(other.text)) > _SAME for other in others)
        return SAID_BEFORE if alike else ""
