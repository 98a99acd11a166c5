"""Suggestions that were made, and what is left of them while somebody types. Pure text."""

from collections import OrderedDict
from dataclasses import dataclass

from assistant.line_ends import with_line_feeds
from assistant.messages import CompletionRequest

_BEFORE, _AFTER = 256, 64
"""Characters around a place by which it is known again."""
CLOSERS = ")]}>\"'`"
"""What editors put behind the cursor by themselves when its partner is typed."""
_MOST_CLOSERS = 3
_KEPT, _DOCUMENTS = 32, 64


@dataclass(slots=True, eq=False)
class Suggestion:
    """What a model writes, or has written, at one place. Lines end in `\\n`."""

    before: str
    """The end of what stands left of the place."""
    after: str
    """The begin of what stands right of it."""
    raw: str = ""
    """What the model has written so far."""
    shown: str | None = None
    """What of it is worth showing; None while it is written."""
    request: CompletionRequest | None = None
    """What was asked for, once it was."""
    model: str = ""
    """Who was asked."""
    adapter: str | None = None
    """And with which adapter."""

    @classmethod
    def at(cls, before: str, after: str) -> "Suggestion":
        """One that is to be written between two texts."""
        return cls(before[-_BEFORE:], after[:_AFTER])

    def typed(self, before: str, after: str) -> int | None:
        """How much of it was typed by now, or None where something else was.

        `before` and `after` are the texts around the cursor now. A bracket or quote that the
        editor closed by itself may stand before the rest.
        """
        if not self._still_before(after):
            return None
        text = self.raw if self.shown is None else self.shown
        if self.before not in before[-len(self.before) - len(text) - 1 :]:
            return None
        for size in range(min(len(text), len(before)), -1, -1):
            if before.endswith(text[:size]) and before[: len(before) - size].endswith(self.before):
                return size
        return None

    def rest(self, before: str, after: str) -> str:
        """What is left to be typed of what is shown, or empty for nothing.

        What the editor closed by itself is not said again at the end.
        """
        typed = self.typed(before, after)
        if typed is None or self.shown is None:
            return ""
        rest = self.shown[typed:]
        closed = self._closed(after)
        return rest[: -len(closed)] if closed and rest.endswith(closed) else rest

    def _still_before(self, after: str) -> bool:
        return after.startswith(self.after) or bool(self._closed(after))

    def _closed(self, after: str) -> str:
        """What stands between the cursor and what stood behind it at first."""
        if after[:_AFTER] == self.after:
            return ""
        for size in range(1, _MOST_CLOSERS + 1):
            new = after[:size]
            closes = len(new) == size and all(c in CLOSERS for c in new)
            if closes and after[size:].startswith(self.after):
                return new
        return ""


class Suggestions:
    """The newest suggestions of each document, the oldest forgotten first."""

    def __init__(self) -> None:
        self._of: OrderedDict[str, list[Suggestion]] = OrderedDict()

    def add(self, uri: str, suggestion: Suggestion) -> None:
        """Keep one."""
        kept = self._of.setdefault(uri, [])
        kept.append(suggestion)
        del kept[:-_KEPT]
        self._of.move_to_end(uri)
        while len(self._of) > _DOCUMENTS:
            self._of.popitem(last=False)

    def add_beside(self, uri: str, suggestion: Suggestion) -> None:
        """Keep one that is not as likely as the newest."""
        kept = self._of.setdefault(uri, [])
        kept.insert(max(0, len(kept) - 1), suggestion)
        del kept[:-_KEPT]

    def rest(self, uri: str, before: str, after: str) -> tuple[Suggestion, str] | None:
        """The newest one that agrees with what was typed, and what is left of it; or None."""
        for suggestion in reversed(self._of.get(uri, ())):
            if rest := suggestion.rest(before, after):
                return suggestion, rest
        return None

    def said(self, uri: str, text: str) -> bool:
        """Whether a text is one of these, or a part of one."""
        whole = with_line_feeds(text)
        return any(whole in (one.shown or "") for one in self._of.get(uri, ()))

    def clear(self) -> None:
        """Forget all."""
        self._of.clear()

    def forget(self, uri: str) -> None:
        """Forget those of a document."""
        self._of.pop(uri, None)
