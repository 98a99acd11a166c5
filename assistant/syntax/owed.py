"""Which of the brackets that are open at the cursor nothing below closes."""

import re
from collections.abc import Sequence

from assistant.syntax.brackets import Token, innermost
from assistant.syntax.lines import indent, line_start

_LABEL = re.compile(rb"\s*(#|case\b|default\b|\w+\s*:)")
"""What may stand as far left as the line that opened the block around it."""


def owed_of(
    stack: Sequence[Token], below: Sequence[Token], text: bytes, place: int, *, ends: bool
) -> list[Token]:
    """Those of the open brackets that the brackets below `place` leave open.

    What closes a bracket at the begin of a line stands as far left as the line that opened it, and
    nothing within does but labels. `ends` says that nothing stands further below, where they
    may be closed.
    """
    left, own, owed = list(stack), list[Token](), list[Token]()
    most = {token: _end_of_inside(token, text, place) for token in stack}
    for token in below:
        if token.closer:
            own.append(token)
        elif (match := innermost(own, token.text)) is not None:
            del own[match:]
        elif (match := innermost(left, token.text)) is not None:
            while match >= 0 and not _closes(token, left[match], text, most[left[match]]):
                match -= 1
            owed += left[match + 1 :]
            del left[max(match, 0) :]
    return owed + [token for token in left if ends or most[token] < len(text)]


def _closes(token: Token, opener: Token, text: bytes, most: int) -> bool:
    """Whether a bracket is for that one, as their places on their lines tell."""
    first = not text[line_start(text, token.start) : token.start].strip()
    aligned = not first or indent(text, token.start) >= indent(text, opener.start)
    return aligned and token.start < most


def _end_of_inside(token: Token, text: bytes, place: int) -> int:
    """Where the lines end at the latest that are within brackets: they stand further right."""
    if token.closer not in ")]}":
        return len(text)
    left = indent(text, token.start)
    start = text.find(b"\n", place) + 1
    while start > 0:
        line = text[start : text.find(b"\n", start) % (len(text) + 1)]
        closer = line.strip()[:1] in (b")", b"]", b"}")
        label = token.closer == "}" and _LABEL.match(line)
        if line.strip() and not label and indent(text, start) + closer <= left:
            return start
        start = text.find(b"\n", start) + 1
    return len(text)
