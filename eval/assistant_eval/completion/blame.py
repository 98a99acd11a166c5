"""When each line of a file was last changed, as git has it."""

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from assistant.errors import UsageError

_LINE = re.compile(r"^[0-9a-f]{40,64} \d+ (\d+)")
_TIME = "committer-time "
_SECONDS = 60


def is_repository(folder: Path) -> bool:
    """Whether git keeps the history of this folder."""
    return _git(folder, "rev-parse", "--is-inside-work-tree") is not None


def newer_lines(folder: Path, path: str, since: datetime) -> frozenset[int]:
    """The lines of a file, counted from 1, that were committed after `since`, or are not yet.

    A file that git does not keep has none: nobody knows how old it is.
    """
    told = _git(folder, "blame", "--line-porcelain", "--", path)
    found, line = set(), 0
    for text in (told or "").splitlines():
        if match := _LINE.match(text):
            line = int(match[1])
        elif text.startswith(_TIME):
            when = datetime.fromtimestamp(int(text.removeprefix(_TIME)), UTC)
            if when > since:
                found.add(line)
    return frozenset(found)


def _git(folder: Path, *words: str) -> str | None:
    """What git says, or None where it refuses. Raises UsageError where there is no git."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("git is not installed, and only it knows how old a line is") from error
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
