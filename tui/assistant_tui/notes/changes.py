"""What a model wants to change, word by word, so that each word can be taken or refused.

A *part* is one paragraph of the note. Its pieces joined give the old words or the new ones; each
piece that differs is a *change*, with a number that no other change has. The changes of one
sentence belong together and can be taken or refused as one.
"""

import itertools
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from assistant.diff import Change, word_diff
from assistant.edit import Edit
from assistant.prose import Paragraph
from assistant.prose_places import replacement

_SENTENCE_END = re.compile(r"[.!?…]['\"”\u2019)\]]*\s|[。！？]|\n\s*\n")
_ALIKE = 0.35
"""Texts with less in common have no words that were changed: one replaces the other."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of the old text and of the new one in their place."""

    old: str
    new: str
    number: int | None = None
    """Of the change; None where both are the same."""
    sentence: int = 0
    """The sentence that it is a part of, counted through all parts."""


@dataclass(frozen=True, slots=True)
class Part:
    """One paragraph, or a part of one, and what is to become of its words."""

    paragraph: Paragraph
    pieces: tuple[Piece, ...]

    @property
    def old(self) -> str:
        """Its words, on one line where its line ends mean nothing."""
        return "".join(piece.old for piece in self.pieces)

    @property
    def new(self) -> str:
        """What is suggested."""
        return "".join(piece.new for piece in self.pieces)

    def resolved(self, taken: Collection[int]) -> str:
        """The words when the changes of these numbers are taken, and no others."""
        return "".join(
            piece.new if piece.number in taken and piece.number is not None else piece.old
            for piece in self.pieces
        )


def parts(suggested: Iterable[tuple[Paragraph, str]]) -> tuple[Part, ...]:
    """Paragraphs and their new words as parts, the changes of all of them numbered from 0."""
    found: list[Part] = []
    number = sentence = 0
    for paragraph, words in suggested:
        numbered = []
        for piece in pieces(paragraph.text, words):
            changed = piece.number is not None
            numbered.append(
                replace(
                    piece, number=number if changed else None, sentence=sentence + piece.sentence
                )
            )
            number += changed
        found.append(Part(paragraph, tuple(numbered)))
        sentence = numbered[-1].sentence + 1 if numbered else sentence
    return tuple(found)


def pieces(old: str, new: str) -> list[Piece]:
    """The pieces that lead from one text to the other."""
    stretches = word_diff(old, new)
    same = sum(len(stretch.text) for stretch in stretches if stretch.change is Change.SAME)
    if old and 2 * same < _ALIKE * (len(old) + len(new)):
        return [Piece(old, new, 0)]
    found: list[Piece] = []
    number = sentence = 0
    for stretch in stretches:
        if stretch.change is Change.SAME:
            for text in _by_sentence(stretch.text):
                found.append(Piece(text, text, None, sentence))
                sentence += bool(_SENTENCE_END.search(text + " "))
        elif stretch.change is Change.ADDED and found and _only_removed(found[-1]):
            found[-1] = replace(found[-1], new=stretch.text)
        else:
            removed = stretch.change is Change.REMOVED
            words = (stretch.text, "") if removed else ("", stretch.text)
            found.append(Piece(*words, number, sentence))
            number += 1
    return found


def numbers(all_parts: Sequence[Part]) -> list[int]:
    """The numbers of all changes."""
    found = (piece.number for part in all_parts for piece in part.pieces)
    return [number for number in found if number is not None]


def of_sentence(all_parts: Sequence[Part], number: int) -> list[int]:
    """The changes that stand in the sentence of one."""
    changes = [p for part in all_parts for p in part.pieces if p.number is not None]
    sentence = next(piece.sentence for piece in changes if piece.number == number)
    return [p.number for p in changes if p.sentence == sentence and p.number is not None]


def edits(text: str, all_parts: Iterable[Part], taken: Collection[int]) -> list[Edit]:
    """The edits of `text` that make the changes of these numbers, and no others.

    A paragraph that was wrapped is wrapped again.
    """
    found = (replacement(text, part.paragraph, part.resolved(taken)) for part in all_parts)
    return [edit for edit in found if edit is not None]


def _only_removed(piece: Piece) -> bool:
    return piece.number is not None and not piece.new


def _by_sentence(text: str) -> list[str]:
    """The text in pieces that each hold at most one end of a sentence, at their end."""
    cuts = [match.end() for match in _SENTENCE_END.finditer(text)]
    places = [0, *cuts, len(text)]
    found = [text[a:b] for a, b in itertools.pairwise(places) if a < b]
    return found
