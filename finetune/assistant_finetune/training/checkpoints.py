"""Checkpoints that are there whole or not at all, and which of them to go on from."""

import os
import re
import shutil
from pathlib import Path

_NAME = re.compile(r"checkpoint-(\d+)")
_UNFINISHED = ".unfinished"
_KEPT = 2
"""The newest ones; the best one is kept beside them."""


class Checkpoints:
    """The folder of a run's checkpoints, each named `checkpoint-STEP`."""

    def __init__(self, folder: Path) -> None:
        """The folder is made when there is something to keep."""
        self.folder = folder

    @property
    def unfinished(self) -> Path:
        """Where a checkpoint is written before it counts."""
        return self.folder / _UNFINISHED

    def steps(self) -> list[int]:
        """The steps that there is a checkpoint of, in order."""
        if not self.folder.is_dir():
            return []
        found = (_NAME.fullmatch(entry.name) for entry in self.folder.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def at(self, step: int) -> Path:
        """The checkpoint of a step."""
        return self.folder / f"checkpoint-{step}"

    def newest(self) -> Path | None:
        """The one to go on from; what was being written when the process died is deleted."""
        shutil.rmtree(self.unfinished, ignore_errors=True)
        steps = self.steps()
        return self.at(steps[-1]) if steps else None

    def keep(self, step: int, best: int | None) -> None:
        """Let the checkpoint that was written count, and delete those that nobody needs."""
        written = self.unfinished / f"checkpoint-{step}"
        _flush(written)
        final = self.at(step)
        if final.exists():  # the run went on from an older one and came here again
            shutil.rmtree(final)
        os.replace(written, final)
        _flush(self.folder)
        for old in self.steps()[:-_KEPT]:
            if old != best:
                self.delete(old)

    def delete(self, step: int) -> None:
        """Delete one; should the process die meanwhile, what is left of it does not count."""
        gone = self.unfinished / f"gone-{step}"
        os.replace(self.at(step), gone)
        shutil.rmtree(gone)


def _flush(folder: Path) -> None:
    """Have the system write a folder and its files to the disk before a name points to them."""
    for path in [*folder.iterdir(), folder]:
        if path.is_dir() and path != folder:
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
