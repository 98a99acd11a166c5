"""A format written as a string, such as `"<|im_start|>user\\n{content}<|im_end|>\\n"`.

A pattern is literal words with control tokens and `{name}` fields among them. What is put into a
field is content for ever: nothing inside it is looked at.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from assistant.prompts.segments import BOS, EOS, Kind, Segment


class Pattern:
    """A format string, split once into markers, control tokens and fields."""

    def __init__(self, source: str, tokens: Iterable[str] = ()) -> None:
        self.source = source
        self._tokens = frozenset({BOS, EOS, *tokens})
        names = sorted(self._tokens, key=len, reverse=True)
        alternatives = "|".join(map(re.escape, names))
        self._parts = [part for part in re.split(rf"({alternatives}|\{{\w+\}})", source) if part]

    def fill(
        self,
        values: Mapping[str, str | Sequence[Segment]],
        *,
        learn: bool = False,
        message: int | None = None,
    ) -> list[Segment]:
        """The segments with `values` in the fields; `learn` marks all of them to be learned.

        A text in a field, and everything that is learned, belongs to `message`. A value that is a
        sequence of segments is put in as it stands.
        """
        own = message if learn else None
        segments: list[Segment] = []
        for part in self._parts:
            if part in self._tokens:
                segments.append(Segment(Kind.TOKEN, part, learn, own))
            elif part.startswith("{") and (value := values.get(part[1:-1])) is not None:
                if isinstance(value, str):
                    segments.append(Segment(Kind.CONTENT, value, learn, message))
                else:
                    segments.extend(value)
            else:
                segments.append(Segment(Kind.MARKER, part, learn, own))
        return segments

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields."""
        return frozenset(
            part[1:-1] for part in self._parts if part.startswith("{") and part not in self._tokens
        )

    @property
    def token_names(self) -> tuple[str, ...]:
        """The control tokens in it, in order."""
        return tuple(part for part in self._parts if part in self._tokens)
