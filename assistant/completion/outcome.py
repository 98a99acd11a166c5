"""What became of a suggestion, by the edits that come after it.

A watch begins where a suggestion is shown. As long as what is written there agrees with it, nothing
is decided. Then its place is followed through later edits, so that one can say what stands there.
`\\r\\n` counts as the one character that it is in the suggestion.
"""

from dataclasses import replace
from enum import Enum, auto

from assistant.completion.span import Span
from assistant.completion.suggestions import CLOSERS
from assistant.diff import similarity
from assistant.edit import Edit
from assistant.history.rows import Fate
from assistant.line_ends import with_line_feeds

MOMENT_SECONDS = 15.0
"""What is taken out so soon after it was accepted, was accepted by mistake."""
_PAIRS = ("()", "[]", "{}", "<>", '""', "''", "``")
_LONGEST = 20_000
"""More text than this at one place is none that was written instead of a suggestion."""


class _Phase(Enum):
    OPEN = auto()
    """What stands at the place agrees with the suggestion."""
    TAKEN = auto()
    """It, or a part of it, stands there: what is written beside it is no part of it."""
    REFUSED = auto()
    """Something else is written there."""
    LOST = auto()
    """Nobody can say any more what stands there."""


class Watch:
    """One suggestion, from when it is shown until nobody looks any more."""

    def __init__(self, offset: int, text: str, *, before: str = "", after: str = "") -> None:
        """`text` was shown at `offset`, between `before` and `after`: some of the text around."""
        self.text = with_line_feeds(text)
        self.fate = Fate()
        self._span = Span(offset, "", before, after)
        self._phase = _Phase.OPEN
        self._typed = 0
        """How much of it stood there before it was accepted."""
        self._closed = 0
        """How many brackets behind the place the editor wrote by itself."""
        self._accepted_at: float | None = None
        self._notice = 0

    @property
    def standing(self) -> str:
        """What stands at its place now, with `\\n` as line end."""
        return with_line_feeds(self._span.text)

    @property
    def taken(self) -> bool:
        """Whether it, or a part of it, was accepted or typed, so that it may be kept or not."""
        return self.fate.outcome in ("accepted", "accepted_part", "typed")

    @property
    def lost(self) -> bool:
        """Whether its place is unknown, as all the text around it was rewritten at once."""
        return self._phase is _Phase.LOST

    def continues(self, offset: int, text: str) -> bool:
        """Whether `text`, shown at `offset`, is what is left of this very suggestion."""
        if self._phase is not _Phase.OPEN or offset != self._span.end:
            return False
        rest, text = self.text[len(self.standing) :], with_line_feeds(text)
        return rest.startswith(text) and _only_closers(rest[len(text) :], self._closed)

    def edit(self, edit: Edit, now: float) -> bool:
        """Take in an edit of the document; returns whether what is known changed.

        `now` is in seconds, of any clock that never goes back.
        """
        if self.lost:
            return False
        before = self.fate
        local = self._span.local(edit)
        if self._span.loses(local):
            self._phase = _Phase.LOST
        elif not self._span.near(local):
            self._span.follow(local)
        elif self._phase is _Phase.OPEN:
            self._decide(local, now)
        elif self._phase is _Phase.TAKEN:
            self._follow(local, now)
        else:
            self._span.write(local)
        if len(self._span.text) > _LONGEST:
            self._phase = _Phase.LOST
        return self.fate != before

    def accepted(self, characters: int | None, now: float) -> bool:
        """The editor says that it was accepted, or only so many characters of it.

        May come before or after the edit itself. Returns whether what is known changed.
        """
        before = self.fate
        count = len(self.text) if characters is None else min(characters, len(self.text))
        there = self.standing == self.text[:count]
        if self._phase is _Phase.OPEN and not there:
            self._notice = count
        elif there or self.fate.outcome == "rejected":
            self._accept(count, now)
        return self.fate != before

    def refuse(self) -> None:
        """Another suggestion for the same place was taken: it was not this one."""
        if self._phase is not _Phase.LOST:
            self._phase = _Phase.REFUSED
            self.fate = Fate("rejected")

    def settled(self) -> Fate:
        """What became of it, with what stands there now. Comparing long texts takes a while."""
        fate = self.fate
        if self.lost:
            return fate
        if self.taken:
            size = fate.accepted_characters if fate.outcome == "accepted_part" else None
            return looked_at(fate, self.text[:size], self.standing)
        lines = self.standing.split("\n")[: self.text.count("\n") + 1]
        return replace(fate, replaced_by="\n".join(lines) or None)

    # Before the decision ---------------------------------------------------------------------

    def _decide(self, edit: Edit, now: float) -> None:
        span = self._span
        if not self._touches(edit):
            span.follow(edit)
            return
        old = self.standing
        self._pass_closers(edit)
        if not span.holds(edit):
            self._refuse(edit, now)
            return
        new = with_line_feeds(span.written(edit))
        if self._agrees(new):
            span.write(edit)
            self._agree(old, new, with_line_feeds(edit.text), now)
        elif new.startswith(self.text):
            # Something longer that begins like it: it was not this one that was accepted.
            span.write(edit)
            self._cut(len(self.text))
            self._complete(old, now, at_once=False)
        elif new[-2:] in _PAIRS and self._agrees(new[:-1]):
            span.write(edit)
            span.grow(-1)
            self._closed += 1
        else:
            self._refuse(edit, now)

    def _touches(self, edit: Edit) -> bool:
        span = self._span
        if span.holds(edit):
            return True
        if edit.start >= span.end:  # behind it, where text may be deleted, and closers passed
            between = span.between(edit.start)
            passed = bool(between) and self._passes(between, edit)
            return passed or (edit.start == span.end and bool(edit.text))
        if edit.end <= span.start:
            return edit.end == span.start == span.end
        return True

    def _passes(self, between: str, edit: Edit) -> bool:
        agrees = self._agrees(self.standing + between + with_line_feeds(edit.text))
        return agrees and _only_closers(between, self._closed)

    def _pass_closers(self, edit: Edit) -> None:
        """Typing over a bracket that the editor wrote is no edit; the next letter tells of it."""
        between = self._span.between(edit.start)
        if between and self._passes(between, edit):
            self._span.grow(len(between))
            self._closed -= len(between)

    def _agrees(self, standing: str) -> bool:
        return self.text.startswith(standing)

    def _agree(self, old: str, new: str, written: str, now: float) -> None:
        """More or less of it stands there now."""
        rest = self.text[len(new) :]
        closed = bool(rest) and _only_closers(rest, self._closed) and self._span.follows_with(rest)
        if closed:
            self._span.grow(len(rest))
        if closed or not rest:
            self._complete(old, now, at_once=len(written) > 1)
        elif len(new) > len(old):
            if self._notice == len(new) or _is_part(self.text, len(new), written):
                self._note_typed(old)
                self._accept(len(new), now)
        elif self.taken and len(new) <= self._typed:
            self._take_back(now)

    def _complete(self, old: str, now: float, *, at_once: bool) -> None:
        """The whole of it stands there."""
        self._phase = _Phase.TAKEN
        if at_once or self._notice:
            self._note_typed(old)
            self._accept(len(self.text), now)
        elif self.fate.outcome == "shown":
            self.fate = Fate("typed")
        else:
            self._cut(self.fate.accepted_characters)

    def _note_typed(self, old: str) -> None:
        if not self.taken:
            self._typed = len(old)

    def _accept(self, count: int, now: float) -> None:
        whole = count == len(self.text)
        self.fate = Fate("accepted" if whole else "accepted_part", count)
        self._accepted_at = now
        if whole or self._phase is _Phase.REFUSED:
            self._phase = _Phase.TAKEN

    def _refuse(self, edit: Edit, now: float) -> None:
        """Something else is written there."""
        if self._notice:  # the editor knows better; it may have indented it
            self._span.write(edit)
            self._phase = _Phase.TAKEN
            self._accept(self._notice, now)
        elif self.taken:
            self._phase = _Phase.TAKEN
            self._cut(self.fate.accepted_characters)
            self._follow(edit, now)
        else:
            self._span.write(edit)
            self._phase = _Phase.REFUSED
            self.fate = Fate("rejected")

    # After it --------------------------------------------------------------------------------

    def _follow(self, edit: Edit, now: float) -> None:
        self._span.follow(edit)
        if len(self.standing) <= self._typed and self._agrees(self.standing):
            self._take_back(now)

    def _take_back(self, now: float) -> None:
        if self._accepted_at is not None and now - self._accepted_at <= MOMENT_SECONDS:
            self.fate = Fate("undone")
            self._phase = _Phase.REFUSED

    def _cut(self, size: int) -> None:
        """Follow only so many characters of what stands there, not what comes behind them."""
        raw, place = self._span.text, 0
        for _ in range(size):
            place += 2 if raw.startswith("\r\n", place) else 1
        self._span.grow(min(0, place - len(raw)))


def looked_at(fate: Fate, taken: str, standing: str) -> Fate:
    """What became of a text that was taken, with what stands at its place now."""
    alike = similarity(taken, standing)
    changed = standing if alike < 1.0 else ""
    return replace(fate, similarity=alike, replaced_by=changed or None)


def _is_part(text: str, place: int, written: str) -> bool:
    """Whether `written`, which ends at a place in `text`, looks like a part accepted at once.

    A line end with the indent behind it comes from one key.
    """
    if len(written) < 2 or not written.strip():
        return False
    return not (_is_word(text[place - 1]) and _is_word(text[place]))


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _only_closers(text: str, most: int) -> bool:
    return len(text) <= most and all(character in CLOSERS for character in text)
