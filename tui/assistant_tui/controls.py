"""Control characters made visible: what notes, models and servers say must not steer a terminal."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PICTURES = 0x2400


def visible(text: str) -> str:
    """`text` with a picture for each control character but tabs and line feeds, as many as before.

    Halves of surrogate pairs, which no terminal can be sent, count as such too.
    """
    return _CONTROL.sub(_picture, text)


def is_harmless(name: str) -> bool:
    """Whether a name has no control character."""
    return not _CONTROL.search(name) and "\n" not in name and "\t" not in name


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code == 0x7F:
        return "\u2421"
    return chr(_PICTURES + code) if code < 0x20 else "\ufffd"
