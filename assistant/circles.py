"""Models that are out of their depth say the same again and again, for as long as they may."""

import re

_PHRASE = re.compile(r"(.{4,120}?)\1{2,}", re.DOTALL)
_LONG = 40
"""Characters; a shorter repetition may be meant."""
_TELLING = 3
"""Letters and digits; rulers, tables and rows of zeros repeat themselves, too."""
_TAIL = 640


def circle_start(text: str) -> int | None:
    """Where the end of `text` begins to say the same phrase for the second time of three or more.

    None where it does not, which is so for nearly everything.
    """
    for match in _PHRASE.finditer(text, max(0, len(text) - _TAIL)):
        if len(match[0]) >= _LONG and sum(map(str.isalnum, match[1])) >= _TELLING:
            return match.start() + len(match[1])
    return None
