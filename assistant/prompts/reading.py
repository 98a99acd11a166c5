"""What of a completion request a model gets to read, and in which order."""

from typing import Literal

from assistant.prompts.fim_formats import FimFormat

Part = Literal["context", "suffix", "prefix"]
"""Pieces of other files, the text behind the cursor, and the text before it."""

CONVERSATION_READS: tuple[Part, ...] = ("context", "suffix", "prefix")
TEXT_READS: tuple[Part, ...] = ("context", "prefix")

_PART_OF: dict[str, Part] = {"{files}": "context", "{suffix}": "suffix", "{prefix}": "prefix"}


def parts_read(fim_format: FimFormat | None) -> tuple[Part, ...]:
    """The parts that a prompt of this format holds, in its order; without one, that of text."""
    if fim_format is None:
        return TEXT_READS
    source = fim_format.context.prompt if fim_format.context else fim_format.prompt
    places = {source.find(field): part for field, part in _PART_OF.items()}
    return tuple(part for place, part in sorted(places.items()) if place >= 0)
