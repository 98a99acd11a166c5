"""Where the lines of a text begin, and how far right. Places are in bytes."""

_TAB = 8


def encoded(text: str) -> bytes:
    """A text as the grammars read it; each half of a surrogate pair is a question mark."""
    return text.encode("utf-8", "replace")


def line_start(text: bytes, place: int) -> int:
    """Where the line of a place begins."""
    return text.rfind(b"\n", 0, place) + 1


def indent(text: bytes, place: int) -> int:
    """How far right the line of a place begins."""
    start = line_start(text, place)
    line = text[start : text.find(b"\n", start) % (len(text) + 1)]
    return width(line.decode())


def width(line: str) -> int:
    """The column of the first thing on a line."""
    left = line[: len(line) - len(line.lstrip())]
    return len(left.expandtabs(_TAB))
