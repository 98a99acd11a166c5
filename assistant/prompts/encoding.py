"""Segments to token ids and labels: the one place where a prompt becomes numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.errors import PromptError
from assistant.prompts.segments import BOS, Kind, Segment
from assistant.prompts.tokenizer import Tokenizer

IGNORED = -100
"""The label of a token that training puts no loss on (PyTorch's cross-entropy convention)."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A rendered prompt. `labels` has one entry for each id: the id itself or `IGNORED`."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]


def encode(segments: Sequence[Segment], tokenizer: Tokenizer, *, joined: bool = False) -> Encoded:
    """The ids and labels of `segments`.

    `joined` asks for every text exactly as it stands, without the space that some tokenizers begin
    a text with: code around a cursor is cut anywhere. Raises PromptError when a control token that
    the format needs is missing from the vocabulary.
    """
    ids: list[int] = []
    labels: list[int] = []
    for segment, piece in encode_each(segments, tokenizer, joined=joined):
        ids.extend(piece)
        labels.extend(piece if segment.learn else [IGNORED] * len(piece))
    return Encoded(tuple(ids), tuple(labels))


def encode_each(
    segments: Sequence[Segment], tokenizer: Tokenizer, *, joined: bool = False
) -> Iterator[tuple[Segment, list[int]]]:
    """Each segment with its ids; see `encode`."""
    start, after_token = True, False
    for segment in segments:
        if segment.kind is Kind.TOKEN:
            piece = _token_ids(segment.text, tokenizer)
            # A format that writes the beginning-of-text token again begins another text with it.
            start, after_token = segment.text == BOS, True
        else:
            piece = tokenizer.encode_text(
                segment.text,
                start=start and not joined,
                after_token=after_token and not joined,
            )
            start, after_token = False, False
        yield segment, piece


def _token_ids(name: str, tokenizer: Tokenizer) -> list[int]:
    number = tokenizer.token_id(name)
    if number is not None:
        return [number]
    if name == BOS:  # many vocabularies have no beginning-of-text token, and need none
        return []
    raise PromptError(
        f"the model's vocabulary has no token {name}, which its prompt format needs: "
        "choose another format for it"
    )
