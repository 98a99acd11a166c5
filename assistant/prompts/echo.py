"""The repeated beginning of an answer to `tasks.fill_in`, for models whose answer cannot be begun.

Such a model is asked to repeat the last lines before the cursor and to go straight on. What it
repeats stands in the user's text already; so does not the fence that it puts around code.
"""

import re

_FENCE = re.compile(r"\s*(?:[^\n`]*:\s*\n\s*)?```[^\n]*\n")
"""The line that opens a block of code, with a line of introduction before it or without."""
_MAY_BE_FENCE = re.compile(r"\s*(?:[^\n`]*|[^\n`]*:\s*\n\s*(?:`{1,2}|```[^\n]*)?|`{1,2}|```[^\n]*)")
_LONGEST_LINE = 400
"""A first line that grows longer is the answer."""


class EchoFilter:
    """Takes an answer piece by piece, and lets it through from behind what it repeats."""

    def __init__(self, start: str) -> None:
        """`start` is what the answer should have begun with, its opening fence included."""
        fence = _FENCE.match(start)
        tail = start[fence.end() :] if fence else start
        self._in_code = fence is not None
        last = tail.rpartition("\n")[2]
        echoes = {text for text in (tail, tail.lstrip(), last, last.lstrip()) if text.strip()}
        self._echoes = sorted(echoes, key=len, reverse=True)
        self._held: str | None = ""

    def push(self, piece: str) -> str:
        """Take the next piece, and give what is now known to be new."""
        return self._decide(piece, whole=False)

    def finish(self) -> str:
        """The answer has ended: give what is left of it."""
        return self._decide("", whole=True)

    def _decide(self, piece: str, *, whole: bool) -> str:
        if self._held is None:
            return piece
        self._held += piece
        new = self._new(self._held, whole=whole)
        if new is None:
            return ""
        self._held = None
        return new

    def _new(self, text: str, *, whole: bool) -> str | None:
        """What of `text` isn't repeated, or None as long as that cannot be told."""
        rest = text
        if self._in_code:
            fence = _FENCE.match(text)
            if fence is not None:
                rest = text[fence.end() :]
            elif not whole and len(text) < _LONGEST_LINE and _MAY_BE_FENCE.fullmatch(text):
                return self._behind_echo(text, whole=False) if self._is_echo(text) else None
        return self._behind_echo(rest, whole=whole)

    def _is_echo(self, text: str) -> bool:
        return any(text.startswith(echo) for echo in self._echoes)

    def _behind_echo(self, text: str, *, whole: bool) -> str | None:
        for echo in self._echoes:
            if text.startswith(echo):
                return text[len(echo) :]
            if not whole and echo.startswith(text):
                return None
        return text
