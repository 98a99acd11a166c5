"""A file as the model hub describes it, and what to say when it cannot be had."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import AssistantError

_CHUNK = 1 << 20


class PullError(AssistantError):
    """A model that cannot be fetched, or not now."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file in a repository of the hub."""

    name: str
    url: str
    size: int
    sha256: str | None
    """Of large files; small ones have `blob_id` alone."""
    blob_id: str | None
    """Git's own hash, which counts the size in."""

    @property
    def digest(self) -> str | None:
        """The hash that the file must have."""
        return self.sha256 or self.blob_id

    def is_at(self, path: Path) -> bool:
        """Whether `path` holds this file: its bytes, or its size where the hub tells no hash."""
        if path.stat().st_size != self.size:
            return False
        if self.digest is None:
            return True
        hasher = self._hasher()
        with path.open("rb") as opened:
            while chunk := opened.read(_CHUNK):
                hasher.update(chunk)
        return hasher.hexdigest() == self.digest

    def _hasher(self) -> "hashlib._Hash":
        if self.sha256 is not None:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)


def gated(what: str) -> str:
    """What to say of a repository whose files want a consent."""
    return (
        f"{what} asks for its licence to be accepted: do so on its page on the model hub, make a"
        " token there, and run the same command with the token in HF_TOKEN"
    )


def unreachable(what: str, error: Exception) -> str:
    """What to say when the hub does not answer as it should, in one line."""
    lines = str(error).strip().splitlines()
    reason = lines[0] if lines else type(error).__name__
    return (
        f"{what} cannot be fetched from the model hub ({reason}); run the same command again to go"
        " on where this ended"
    )
