"""Models that are out of their depth say the same again and again, for as long as they may."""

_PHRASE = range(4, 121)
"""Characters of what is said again and again."""
_TIMES = 3
_LONG = 40
"""Characters; a shorter repetition may be meant."""
_TELLING = 3
"""Letters and digits; rulers, tables and rows of zeros repeat themselves, too."""
_TAIL = 640
_PROBE = 4
_STEP = 20
"""Between two probes: every circle that is long enough holds one, and the same a phrase later."""


def circle_start(text: str) -> int | None:
    """Where the end of `text` begins to say the same phrase for the second time of three or more.

    None where it does not, which is so for nearly everything. It takes some microseconds, so that
    it can be asked at each token.
    """
    at = begin = max(0, len(text) - _TAIL)
    while at + _PROBE <= len(text):
        found = _circle_at(text, at, begin)
        if found is None:
            at += _STEP
            continue
        start, end, phrase = found
        if sum(map(str.isalnum, text[start : start + phrase])) >= _TELLING:
            return start + phrase
        at = end
    return None


def _circle_at(text: str, at: int, begin: int) -> tuple[int, int, int] | None:
    """The circle behind `begin` that a place is in: where it starts, its end, and its phrase's
    length, the shortest."""
    probe = text[at : at + _PROBE]
    last = at + _PHRASE[-1] + _PROBE
    again = text.find(probe, at + _PHRASE[0], last)
    while again >= 0:
        phrase = again - at
        start, end = at, again + _PROBE
        while start > begin and text[start - 1] == text[start - 1 + phrase]:
            start -= 1
        while end < len(text) and text[end] == text[end - phrase]:
            end += 1
        if end - start >= max(_LONG, _TIMES * phrase):
            return start, end, phrase
        again = text.find(probe, again + 1, last)
    return None
