"""What of a project a model cannot have learned."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assistant.errors import UsageError
from assistant.held_out import file_identity, is_held_out
from assistant_eval.completion.blame import is_repository, newer_lines

_NOTE = "trained.json"
"""What an adapter of ours was trained on; see `assistant.engine.trained_for`."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """The files and lines that may be asked for."""

    repo: Path
    since: datetime | None = None
    """Lines that are newer may be asked for; None for no line because of its age."""
    held_out: float = 0.0
    """The share of files that training has put aside; those may be asked for whole."""
    everything: bool = False
    """Nothing of the project was learned."""

    def lines(self, path: str, count: int) -> Collection[int]:
        """The lines of a file that may be asked for, counted from 1, of so many that it has."""
        if self.everything or is_held_out(file_identity(path), self.held_out):
            return range(1, count + 1)
        return () if self.since is None else newer_lines(self.repo, path, self.since)

    def facts(self) -> dict[str, Any]:
        """The same for a passport."""
        since = None if self.since is None else self.since.isoformat()
        return {"since": since, "held_out": self.held_out, "everything": self.everything}


def unseen(repo: Path, adapter: Path | None, since: datetime | None) -> Unseen:
    """What a model with this adapter has not seen, by the adapter's own note or by a time.

    Raises UsageError where nobody says what the adapter has learned from.
    """
    if adapter is None:
        found = Unseen(repo, since, everything=since is None)
    elif since is not None:
        found = Unseen(repo, since)
    else:
        found = _by_note(repo, adapter)
    if found.since is not None and not is_repository(repo):
        if not found.held_out:
            raise UsageError(
                f"{repo} is no git repository, so nobody knows which lines the adapter cannot have"
                " learned"
            )
        found = Unseen(repo, None, found.held_out)
    return found


def _by_note(repo: Path, adapter: Path) -> Unseen:
    try:
        note = json.loads((adapter / _NOTE).read_text("utf-8"))
        trained_at = datetime.fromisoformat(note["trained_at"])
        sources, share = [str(one) for one in note["data"]], float(note["held_out"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"the adapter {adapter.name} does not say when and on what it was trained: say with"
            " --since which lines are newer"
        ) from error
    # Held out is what has such a path inside the very folder that was learned from.
    same = sources == [str(repo)]
    return Unseen(repo, trained_at.astimezone(UTC), share if same else 0.0)
