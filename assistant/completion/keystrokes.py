"""What the newest edit of a document says about whether help is wanted."""

from collections.abc import Callable, Sequence

from assistant.edit import Edit

_PASTED = 32
"""Nobody types so many characters at once; editors that help may insert a name or a bracket."""


def is_quiet(edits: Sequence[Edit], suggested: Callable[[str], bool]) -> bool:
    """Whether the text was taken back or pasted, after which nobody waits for a suggestion.

    `suggested` says whether a text is one that was suggested: accepting it is no paste.
    """
    if not edits:
        return False
    last = edits[-1]
    if not last.text:
        return last.end > last.start
    lines = last.text.strip().splitlines()
    return (len(lines) > 1 or len(last.text.strip()) > _PASTED) and not suggested(last.text)
