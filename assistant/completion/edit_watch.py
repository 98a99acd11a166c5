"""What became of an edit that an action made for the editor, by what is seen of it later.

A watch begins before the editor is asked for the edit: the editor may ask the user first, some
report the edit only after they have answered, and some answer that all went well where the user
said no. So an edit was accepted when its text stands there, and never before.
"""

from dataclasses import replace
from enum import Enum, auto

from assistant.completion.outcome import MOMENT_SECONDS, looked_at
from assistant.completion.span import Span
from assistant.edit import Edit
from assistant.history.rows import Fate
from assistant.line_ends import with_line_feeds

_LONGEST = 20_000
"""More text than this, beside the edit's own, is none that was written instead of it."""


class _Phase(Enum):
    OFFERED = auto()
    """The editor, or the user, has not said what is to happen with it."""
    TAKEN = auto()
    """Its text was put there."""
    REFUSED = auto()
    """It was not wanted, or taken back."""
    LOST = auto()
    """Nobody can say any more what stands there."""


class EditWatch:
    """One edit, from when the editor is about to be asked for it until nobody looks any more."""

    def __init__(self, offset: int, old: str, new: str, before: str, after: str) -> None:
        """`new` is to stand for `old`, at `offset` between `before` and `after`: some of the text
        around."""
        self.fate = Fate()
        self._new, self._old = with_line_feeds(new), with_line_feeds(old)
        self._span = Span(offset, old, before, after)
        self._phase = _Phase.OFFERED
        self._taken_at = 0.0

    @property
    def standing(self) -> str:
        """What stands at its place now, with `\\n` as line end."""
        return with_line_feeds(self._span.text)

    @property
    def taken(self) -> bool:
        """Whether its text was put there, so that it may be kept or not."""
        return self._phase is _Phase.TAKEN

    def edit(self, edit: Edit, now: float) -> bool:
        """Take in an edit of the document; returns whether what is known changed.

        `now` is in seconds, of any clock that never goes back.
        """
        before = self.fate
        if self._phase is _Phase.LOST:
            return False
        local = self._span.local(edit)
        if self._span.loses(local):
            self._phase = _Phase.LOST
        elif not self._span.near(local):
            self._span.follow(local)
        elif self._phase is _Phase.TAKEN:
            self._follow(local, now)
        else:
            self._span.write(local)
            if self._phase is _Phase.OFFERED and self.standing == self._new:
                self.accept(now)
        if len(self._span.text) > len(self._old) + len(self._new) + _LONGEST:
            self._phase = _Phase.LOST
        return self.fate != before

    def accept(self, now: float) -> None:
        """It was put there."""
        self._phase = _Phase.TAKEN
        self.fate = Fate("accepted", len(self._new))
        self._taken_at = now

    def refuse(self) -> bool:
        """It was not wanted, unless it stands there; returns whether what is known changed."""
        if self._phase is not _Phase.OFFERED:
            return False
        self._phase = _Phase.REFUSED
        self.fate = Fate("rejected")
        return True

    def settled(self) -> Fate:
        """What became of it, with what stands there now. Comparing long texts takes a while."""
        if self._phase is _Phase.LOST:
            return self.fate
        if self._phase is _Phase.TAKEN:
            return looked_at(self.fate, self._new, self.standing)
        self.refuse()
        return replace(self.fate, replaced_by=self.standing or None)

    def _follow(self, edit: Edit, now: float) -> None:
        old, new = self.standing, with_line_feeds(edit.text)
        self._span.follow(edit)
        # Where the old text holds the new one, all that is seen is what comes beside it.
        back = self._old in (self.standing, new + old, old + new)
        if back and now - self._taken_at <= MOMENT_SECONDS:
            self.fate = Fate("undone")
            self._phase = _Phase.REFUSED
