"""How much a server bears, so that no client takes it from the others."""

from dataclasses import dataclass

GRACE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one server. Times are in seconds."""

    body_bytes: int = 8 * 1024 * 1024
    """The largest request."""
    body_seconds: float = 30.0
    """How long a request's body may take to arrive."""
    head_seconds: float = 15.0
    """How long its first lines may take, from the moment that the connection is made."""
    drain_seconds: float = 30.0
    """How long the rest of a refused body is read and thrown away, so that its sender gets to see
    the answer instead of a broken connection."""
    connections: int = 256
    """Open at once; more are closed at once."""
    queue: int = 128
    """Answers that are being made or wait for their turn; 0 for no limit."""
    answer_seconds: float = 3600.0
    """How long a request may take in all, waiting included; 0 for no limit."""
    grace_seconds: float = GRACE_SECONDS
    """How long running answers may go on when the server is told to end."""
