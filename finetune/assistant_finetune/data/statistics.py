"""How much data there is, and of what kind."""

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from assistant_finetune.data.cleaning.language import language_of_example
from assistant_finetune.data.duplicates import Duplicates, Sameness
from assistant_finetune.data.examples import Chat, Example, texts
from assistant_finetune.data.journal import Journal
from assistant_finetune.data.rendering.sample import Rendering
from assistant_finetune.data.rendering.samples import samples_of

_QUANTILES = {"shortest": 0.0, "median": 0.5, "p95": 0.95, "longest": 1.0}


@dataclass(slots=True)
class Statistics:
    """Counts over all examples. Of samples only their lengths are kept, four bytes each."""

    examples: Counter[str] = field(default_factory=Counter)
    """By kind."""
    messages: int = 0
    characters: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    lengths: "array[int]" = field(default_factory=lambda: array("I"))
    """Tokens of each sample."""
    learned: int = 0
    """Tokens that are learned."""

    def as_fields(self) -> dict[str, Any]:
        """The statistics as JSON has them; tokens only where a base was given."""
        fields: dict[str, Any] = {
            "examples": dict(self.examples.most_common()),
            "messages": self.messages,
            "characters": self.characters,
            "languages": dict(self.languages.most_common()),
            "duplicates": {one.name.lower(): self.duplicates[one.name.lower()] for one in Sameness},
        }
        if self.lengths:
            total = sum(self.lengths)
            fields["samples"] = len(self.lengths)
            fields["tokens"] = total
            fields["learned_tokens"] = self.learned
            fields["learned_share"] = round(self.learned / total, 4)
            fields["lengths"] = self._quantiles()
        return fields

    def _quantiles(self) -> dict[str, int]:
        ordered = sorted(self.lengths)
        last = len(ordered) - 1
        return {name: ordered[round(share * last)] for name, share in _QUANTILES.items()}


def count(examples: Iterable[Example], rendering: Rendering | None, journal: Journal) -> Statistics:
    """The statistics of examples; of their samples, too, where there is a `rendering`."""
    found = Statistics()
    duplicates = Duplicates()
    for example in examples:
        found.examples[type(example).__name__.lower()] += 1
        found.messages += len(example.conversation.messages) if isinstance(example, Chat) else 0
        found.characters += sum(map(len, texts(example)))
        found.languages[language_of_example(example)] += 1
        if (twin := duplicates.find(example)) is not None:
            found.duplicates[twin.sameness.name.lower()] += 1
        if rendering is not None:
            for sample in samples_of(example, rendering, journal):
                found.lengths.append(len(sample.ids))
                found.learned += sample.learned
    duplicates.close()
    return found
