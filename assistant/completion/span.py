"""A place in a document that is followed through its edits, with the text around as it is known."""

from assistant.edit import Edit

_AROUND = 256
"""Characters that are known on each side."""
_SURE = 8
"""So many equal characters in a row are no chance."""


class Span:
    """From `start` to `end`, indexes into a text of which only the neighbourhood is known."""

    def __init__(self, offset: int, text: str, before: str, after: str) -> None:
        """`text` stands at `offset`, between `before` and `after`, or the near ends of these."""
        before = before[-_AROUND:]
        self.start, self.end = offset, offset + len(text)
        self._known = before + text + after[:_AROUND]
        self._base = offset - len(before)

    @property
    def text(self) -> str:
        """What stands there."""
        return self._between(self.start, self.end)

    def written(self, edit: Edit) -> str:
        """What would stand there after an edit inside."""
        before, after = self._between(self.start, edit.start), self._between(edit.end, self.end)
        return before + edit.text + after

    def follows_with(self, text: str) -> bool:
        """Whether `text` stands right behind it."""
        return self._known.startswith(text, self.end - self._base)

    def between(self, place: int) -> str:
        """What stands between it and a place behind it, or empty for a place out of sight."""
        return self._between(self.end, place) if self.end < place <= self._top else ""

    def holds(self, edit: Edit) -> bool:
        """Whether an edit is one of the span alone, its ends included."""
        return self.start <= edit.start and edit.end <= self.end

    def grow(self, size: int) -> None:
        """Let the end be so much further on, or back."""
        self.end = max(self.start, min(self.end + size, self._top))

    # Edits -----------------------------------------------------------------------------------

    def local(self, edit: Edit) -> Edit:
        """The same edit, as near to the span as one can say.

        Editors may send much more than what changed, and do not say where among equal characters
        it did.
        """
        if not self.near(edit):
            return edit
        edit = self._narrowed(edit)
        return edit if self.holds(edit) or not self.sees(edit) else self._slid(edit)

    def near(self, edit: Edit) -> bool:
        """Whether an edit changes anything of what is known."""
        changes = edit.text or edit.start < edit.end
        return bool(changes) and edit.end >= self._base and edit.start <= self._top

    def sees(self, edit: Edit) -> bool:
        """Whether all that an edit changes is known."""
        return self._base <= edit.start and edit.end <= self._top

    def loses(self, edit: Edit) -> bool:
        """Whether nobody can say where the span is behind an edit that rewrites all around it."""
        contains = edit.start <= self.start and self.end <= edit.end
        return (
            contains
            and bool(edit.text)
            and not self.sees(edit)
            and (not self.text or self.text not in edit.text)
        )

    def follow(self, edit: Edit) -> None:
        """Take in an edit: what is written inside belongs to the span, what is beside does not."""
        size, change = len(edit.text), len(edit.text) - (edit.end - edit.start)
        start, end = self.start, self.end
        if edit.end <= start:
            moved = (start + change, end + change)
        elif edit.start >= end:
            moved = (start, end)
        elif self.holds(edit):
            moved = (start, end + change)
        elif edit.start <= start and edit.end >= end:
            found = edit.text.find(self.text)
            at = edit.start + (size if found < 0 else found)
            moved = (at, at if found < 0 else at + end - start)
        elif edit.start < start:
            moved = (edit.start + size, end + change)
        else:
            moved = (start, edit.start)
        self._move(edit, *moved)

    def write(self, edit: Edit) -> None:
        """Take in an edit: what is written inside or at an end of the span belongs to it."""
        size, change = len(edit.text), len(edit.text) - (edit.end - edit.start)
        if self.holds(edit):
            self._move(edit, self.start, self.end + change)
        elif edit.end < self.start or edit.start > self.end:
            self.follow(edit)
        else:
            end = edit.start + size + max(0, self.end - edit.end)
            self._move(edit, min(self.start, edit.start), end)

    def _move(self, edit: Edit, start: int, end: int) -> None:
        self._rewrite(edit)
        self.start, self.end = start, end
        first = max(0, start - _AROUND - self._base)
        self._known = self._known[first : end + _AROUND - self._base]
        self._base += first

    def _rewrite(self, edit: Edit) -> None:
        """Change what is known."""
        if edit.end < self._base:
            self._base += len(edit.text) - (edit.end - edit.start)
        elif edit.start <= self._top:
            before = self._between(self._base, edit.start)
            self._known = before + edit.text + self._between(edit.end, self._top)
            self._base = min(self._base, edit.start)

    def _narrowed(self, edit: Edit) -> Edit:
        """Without the ends that it leaves as they were, as far as these are known."""
        if edit.start == edit.end and self.sees(edit):
            return edit  # what is typed replaces nothing, and there are many of these
        start, end = max(edit.start, self._base), min(edit.end, self._top)
        known, text = self._between(start, end), edit.text
        head, tail = start - edit.start, edit.end - end
        last = max(0, len(text) - tail)
        same = _common(known, text[head : head + len(known)])
        behind = _common(known[::-1], text[max(0, last - len(known)) : last][::-1])
        sure = min(_SURE, len(known))
        head_holds, tail_holds = not head or same >= sure, not tail or behind >= sure
        if not (head_holds or tail_holds):
            return edit
        if head and tail_holds and (behind == len(known) or not head_holds):
            return Edit(edit.start, end - behind, text[: last - behind])
        if tail and head_holds and (same == len(known) or not tail_holds):
            return Edit(start + same, edit.end, text[head + same :])
        if last < head + same:
            return edit
        behind = min(behind, len(known) - same, last - head - same)
        return Edit(start + same, end - behind, text[head + same : last - behind])

    def _slid(self, edit: Edit) -> Edit:
        """The same change at the span, where equal characters let one say so."""
        if not edit.text:
            return self._slid_deletion(edit)
        if edit.start < edit.end:
            return edit
        if edit.start > self.end:
            between = self._between(self.end, edit.start)
            whole = between + edit.text
            same = whole.endswith(between)
            return Edit(self.end, self.end, whole[: len(edit.text)]) if same else edit
        between = self._between(edit.start, self.start)
        whole = edit.text + between
        same = whole.startswith(between)
        return Edit(self.start, self.start, whole[len(between) :]) if same else edit

    def _slid_deletion(self, edit: Edit) -> Edit:
        size = edit.end - edit.start
        place = self.end - size
        if place < self.start:
            return edit
        first, last = min(place, edit.start), max(place, edit.start)
        same = self._between(first, last) == self._between(first + size, last + size)
        return Edit(place, self.end, "") if same else edit

    @property
    def _top(self) -> int:
        return self._base + len(self._known)

    def _between(self, start: int, end: int) -> str:
        return self._known[max(0, start - self._base) : max(0, end - self._base)]


def _common(one: str, other: str) -> int:
    """How many characters two texts have in common at their begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
