"""The corpus in memory, and seeded draws from it."""

import bisect
import itertools
import json
import random
from dataclasses import dataclass
from pathlib import Path

from tools.starter.functions import Function, Part


@dataclass(frozen=True)
class Text:
    """One document of the corpus."""

    path: str
    text: str


class Pool:
    """Documents to draw from, each as often as it is long."""

    def __init__(self, texts: list[Text]) -> None:
        self.texts = texts
        self._ends = list(itertools.accumulate(len(one.text) for one in texts))

    def draw(self, rng: random.Random) -> Text:
        """One document, with the probability of its length."""
        return self.texts[bisect.bisect_right(self._ends, rng.randrange(self._ends[-1]))]

    def window(self, rng: random.Random, characters: int) -> str:
        """Whole lines of one document, about so many characters, starting at a random line."""
        text = self.draw(rng).text
        if len(text) <= characters:
            return text
        start = text.rfind("\n", 0, rng.randrange(len(text) - characters // 2)) + 1
        return text[start : start + characters]


class Corpus:
    """What `tools.starter.corpus` wrote."""

    def __init__(self, run: Path) -> None:
        self._folder = run / "corpus"
        self._documents: dict[tuple[str, Part], list[Text]] = {}
        with (self._folder / "documents.jsonl").open() as file:
            for line in file:
                entry = json.loads(line)
                group = self._documents.setdefault((entry["kind"], entry["part"]), [])
                group.append(Text(entry["path"], entry["text"]))

    def documents(self, kind: str, part: Part) -> list[Text]:
        """The documents of a kind, `code` or `prose`."""
        return self._documents[kind, part]

    def characters(self) -> dict[str, int]:
        """How long the training part of each kind is."""
        parts = self._documents.items()
        return {
            kind: sum(len(one.text) for one in found)
            for (kind, part), found in parts
            if part == "train"
        }

    def functions(self, part: Part) -> list[Function]:
        """The documented functions."""
        with (self._folder / "functions.jsonl").open() as file:
            functions = [Function(**json.loads(line)) for line in file]
        return [function for function in functions if function.part == part]
