"""A project whose history is known to the second."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

OLD, TRAINED, NEW = (datetime(2026, month, 1, 12, tzinfo=UTC) for month in (1, 2, 3))
FIRST = """\
def add(first, second):
    total = first + second
    return total


def sub(first, second):
    return first - second
"""
LATER = """\


def multiply(first, second):
    product = first * second
    return product
"""


def git(folder: Path, when: datetime, *words: str) -> None:
    """Run git as somebody, at some time."""
    own = {f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    dates = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), when.isoformat())
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    environment = {**os.environ, **dict.fromkeys(own, "somebody"), **dates, **settings}
    subprocess.run(["git", "-C", folder, *words], check=True, capture_output=True, env=environment)


def write_project(folder: Path) -> Path:
    """Sums that are older than a training, a product that is newer, and a line not committed."""
    folder.mkdir(parents=True)
    (folder / "sums.py").write_text(FIRST, "utf-8")
    (folder / "old.py").write_text(FIRST, "utf-8")
    git(folder, OLD, "init", "-q")
    git(folder, OLD, "add", ".")
    git(folder, OLD, "commit", "-q", "-m", "sums")
    (folder / "sums.py").write_text(FIRST + LATER, "utf-8")
    git(folder, NEW, "commit", "-q", "-a", "-m", "a product")
    (folder / "sums.py").write_text(FIRST + LATER + "\nnumber = add(1, 2)\n", "utf-8")
    return folder
