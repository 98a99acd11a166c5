"""What a prompt is made of before it becomes token ids.

Control tokens, a format's own words and the user's text are kept apart from the first step on, so
that text which merely looks like a control token can never become one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

BOS = "{bos}"
EOS = "{eos}"


class Kind(Enum):
    """What a segment is, and so how it becomes ids."""

    TOKEN = "token"
    """One control token, looked up by name; `{bos}` and `{eos}` are the tokenizer's own."""
    MARKER = "marker"
    """Words of the format itself, such as `USER:`."""
    CONTENT = "content"
    """Text of the user or the assistant, whatever it contains."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt."""

    kind: Kind
    text: str
    learn: bool = False
    """Whether training puts loss on it."""
    message: int | None = None
    """Which message of the conversation its text is, or ends; None for the format's own words."""


def join(segments: Iterable[Segment]) -> list[Segment]:
    """Merge neighbouring markers, and give a marker's last space to the content behind it.

    Every tokenizer in use joins a space to the word after it, so `USER: ` + `hello` must be cut as
    `USER:` + ` hello`. A prompt that ends in such a space loses it: the answer brings it along.
    """
    joined: list[Segment] = []
    for segment in segments:
        last = joined[-1] if joined else None
        if last is not None and last.kind is Kind.MARKER:
            alike = (segment.learn, segment.message) == (last.learn, last.message)
            if segment.kind is Kind.MARKER and alike:
                joined[-1] = replace(last, text=last.text + segment.text)
                continue
            if segment.kind is Kind.CONTENT and last.text.endswith(" "):
                joined[-1] = replace(last, text=last.text[:-1])
                segment = replace(segment, text=" " + segment.text)
        joined.append(segment)
    if joined and joined[-1].kind is Kind.MARKER and joined[-1].text.endswith(" "):
        joined[-1] = replace(joined[-1], text=joined[-1].text[:-1])
    return [segment for segment in joined if segment.text]
