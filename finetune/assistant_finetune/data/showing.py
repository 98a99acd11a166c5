"""A sample as the model sees it, its tokens told apart by whether they are learned."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from assistant.prompts import IGNORED, TextTokenizer
from assistant_finetune.data.rendering.sample import Sample

if TYPE_CHECKING:
    from rich.text import Text

OPEN, SHUT = "⟦", "⟧"
"""Around what is learned, where there are no colours."""
_STYLES = {True: ("bold green", "bold green on grey19"), False: ("dim", "dim on grey11")}
"""Learned or not; neighbouring tokens have different grounds, so that one sees where they end."""
_CONTROL = "reverse"
_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
"""Signs for characters by which data could give orders to a terminal."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one token says."""

    text: str
    """Empty for a token that holds only a part of a character, until the last of them."""
    learned: bool
    control: bool
    weight: float


def pieces(sample: Sample, tokenizer: TextTokenizer) -> Iterator[Piece]:
    """What each token says, in order."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    weights = sample.weights or (1.0,) * len(sample.ids)
    for number, label, weight in zip(sample.ids, sample.labels, weights, strict=True):
        learned = label != IGNORED
        if number in tokenizer.control_ids:
            text = decoder.decode(b"", final=True) + (tokenizer.fast.id_to_token(number) or "")
            decoder.reset()
        else:
            text = decoder.decode(tokenizer.token_bytes(number))
        yield Piece(text, learned, number in tokenizer.control_ids, weight if learned else 0.0)


def plain(sample: Sample, tokenizer: TextTokenizer) -> str:
    """The sample as text, with marks around what is learned."""
    written = []
    for learned, group in groupby(pieces(sample, tokenizer), key=lambda piece: piece.learned):
        text = "".join(piece.text for piece in group)
        written.append(f"{OPEN}{text}{SHUT}" if learned else text)
    return "".join(written)


def coloured(sample: Sample, tokenizer: TextTokenizer) -> "Text":
    """The sample for a terminal."""
    from rich.text import Text

    text = Text()
    for number, piece in enumerate(pieces(sample, tokenizer)):
        style = _STYLES[piece.learned][number % 2]
        text.append(
            piece.text.translate(_PICTURES), f"{style} {_CONTROL}" if piece.control else style
        )
    return text


def as_fields(sample: Sample, tokenizer: TextTokenizer) -> dict[str, Any]:
    """The sample as JSON has it."""
    tokens = [
        {
            "id": number,
            "text": piece.text,
            "learned": piece.learned,
            "control": piece.control,
            "weight": piece.weight,
        }
        for number, piece in zip(sample.ids, pieces(sample, tokenizer), strict=True)
    ]
    return {
        "origin": str(sample.origin),
        "length": len(sample.ids),
        "learned": sample.learned,
        "tokens": tokens,
    }
