"""What became of a proposal, for the record of use: each of its parts is one suggestion."""

import time
from collections.abc import Callable, Collection
from pathlib import Path

from assistant.diff import similarity
from assistant.history import Consent, Fate, History, Suggestion, Writer
from assistant_tui.notes.asking import Proposal
from assistant_tui.notes.changes import Part

MOMENT_SECONDS = 15.0
"""What is undone so soon after it was taken, was taken by mistake."""
_READ = 4_000
"""Characters before a text that was only added, which say what it goes on from."""


class Record:
    """Writes in a thread of its own; nothing waits for it."""

    def __init__(
        self, on_trouble: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`on_trouble` is told, in that thread, of what goes wrong."""
        consent = Consent(on_trouble)
        self._writer = Writer(History(), consent.allows, on_trouble)
        self._clock = clock
        self._path = ""
        self._ids: list[str] = []
        self._taken_at = 0.0

    def decided(
        self,
        proposal: Proposal,
        decided: tuple[Part, ...],
        taken: Collection[int],
        path: Path,
        workspace: Path,
    ) -> None:
        """The user has said what becomes of a proposal.

        `decided` are its parts, some perhaps with other words, which the user put in.
        """
        self._path, self._ids = str(path), []
        for suggested, part in zip(proposal.parts, decided, strict=True):
            suggestion = Suggestion(
                text=suggested.new,
                prefix=suggested.old or proposal.text[: suggested.paragraph.start][-_READ:],
                path=str(path),
                workspace=str(workspace),
                language="markdown",
                model=proposal.model,
                adapter=proposal.adapter,
                kind=proposal.wish.kind,
                fate=fate_of(suggested, part.resolved(taken)),
            )
            if suggestion.fate.outcome != "rejected":
                self._ids.append(suggestion.id)
            self._put(suggestion)
        self._taken_at = self._clock()

    def undone(self) -> None:
        """What was taken last was taken out again."""
        if self._clock() - self._taken_at <= MOMENT_SECONDS:
            for key in self._ids:
                self._settle(key)
        self._ids = []

    def close(self) -> None:
        """Wait until all is written."""
        self._writer.close()

    def _put(self, suggestion: Suggestion) -> None:
        self._writer.put(self._path, lambda history: history.add(suggestion))

    def _settle(self, key: str) -> None:
        self._writer.put(self._path, lambda history: history.settle(key, Fate("undone")))


def fate_of(suggested: Part, result: str) -> Fate:
    """What became of a part of which `result` stands there now."""
    if result == suggested.new:
        return Fate("accepted", len(result), similarity=1.0)
    if result == suggested.old:
        return Fate("rejected", replaced_by=result or None)
    alike = similarity(suggested.new, result)
    return Fate("accepted_part", _common(suggested.new, result), result, alike)


def _common(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
