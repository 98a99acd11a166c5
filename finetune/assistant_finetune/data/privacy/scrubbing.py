"""What is private, replaced by placeholders that say what stood there: `<EMAIL_1>`.

In one example the same value gets the same placeholder everywhere, so that what is said stays
understandable.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from assistant_finetune.data.examples import Example, Hole, texts, with_texts
from assistant_finetune.data.journal import Changed, Journal, Rejected
from assistant_finetune.data.privacy.personal import find_personal
from assistant_finetune.data.privacy.secrets_in import find_secrets

CHANGE = "secrets and personal data replaced"
_PLACEHOLDER = re.compile(r"<([A-Z][A-Z_]*)_(\d{1,6})>")


@dataclass(slots=True)
class Placeholders:
    """The placeholders of one example, or of one text that is read in pieces."""

    region: str | None = None
    """The country whose telephone numbers are found without a country code."""
    replaced: Counter[str] = field(default_factory=Counter)
    """How many places were replaced, by what stood there."""
    _numbers: Counter[str] = field(default_factory=Counter)
    _known: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """What to look for, and what is kept, put in instead, and counted."""

    def look(self, text: str) -> None:
        """Find what is private in a text, and give it placeholders."""
        for kind, number in _PLACEHOLDER.findall(text):
            self._numbers[kind] = max(self._numbers[kind], int(number))
        for value, kind in find_secrets(text):
            self._add("", value, kind)
        for kept, value, kind in find_personal(text, self.region):
            self._add(kept, value, kind)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where what was found stands in a text."""
        pattern = self._pattern()
        return [] if pattern is None else [match.span() for match in pattern.finditer(text)]

    def replace(self, text: str) -> str:
        """The text with placeholders."""
        pattern = self._pattern()
        return text if pattern is None else pattern.sub(self._replacement, text)

    def _add(self, kept: str, value: str, kind: str) -> None:
        if kept + value not in self._known:
            self._numbers[kind] += 1
            placeholder = f"<{kind}_{self._numbers[kind]}>"
            self._known[kept + value] = kept, placeholder, kind

    def _pattern(self) -> re.Pattern[str] | None:
        if not self._known:
            return None
        longest_first = sorted(self._known, key=len, reverse=True)
        return re.compile("|".join(map(_apart, longest_first)))

    def _replacement(self, match: re.Match[str]) -> str:
        kept, placeholder, kind = self._known[match[0]]
        self.replaced[kind] += 1
        return kept + placeholder


def scrub(
    example: Example, journal: Journal, region: str | None = None
) -> tuple[Example | None, Counter[str]]:
    """The example with placeholders, and how many of each kind were put in.

    A hole whose border cuts something private in two goes to the journal, and None comes back.
    """
    placeholders = Placeholders(region)
    if isinstance(example, Hole):
        whole = "".join(texts(example))
        placeholders.look(whole)
        start = len(example.request.prefix)
        borders = (start, start + len(example.middle))
        spans = placeholders.spans(whole)
        if any(begin < border < end for begin, end in spans for border in borders):
            reason = "something private goes across the place that is filled in"
            journal.reject(Rejected(example.origin, reason))
            return None, Counter()
    else:
        for text in texts(example):
            placeholders.look(text)
    changed = tuple(map(placeholders.replace, texts(example)))
    if placeholders.replaced:
        counts = ", ".join(f"{kind} {count}" for kind, count in placeholders.replaced.items())
        journal.change(Changed(example.origin, CHANGE, counts))
    return with_texts(example, changed), placeholders.replaced


def _apart(value: str) -> str:
    """A pattern for the value where it is not a part of a longer word."""
    before = r"(?<!\w)" if value[0].isalnum() else ""
    behind = r"(?!\w)" if value[-1].isalnum() else ""
    return f"{before}{re.escape(value)}{behind}"
