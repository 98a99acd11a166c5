"""Who advances in the next pass: the order among requests, and nothing of how they are computed.

Somebody whose cursor waits comes first: a completion's prompt is read alone, and chats pause while
completions are made, but for every fourth pass, so that typing on does not stop them for good.
Batch work is done while nothing else is. Within a kind, clients take turns: whoever has the fewest
requests running gets the next place, and among those the one that waited longest.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from assistant.engine.requests import Job, Priority

CHATS_EVERY = 4
"""While completions are made, chats advance in one of so many passes."""


class Advancing(Protocol):
    """What the scheduler looks at."""

    job: Job

    @property
    def reading(self) -> bool:
        """Whether it has a prompt to read, rather than one new token."""


Request = TypeVar("Request", bound=Advancing)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a pass may hold."""

    together: int
    """Requests that are under way at once."""
    chunk: int
    """Tokens of a prompt that are read in one pass."""
    checked: int
    """Tokens in a pass that checks guesses, all requests together: those that cost little more
    than one."""


@dataclass(frozen=True, slots=True)
class Turn(Generic[Request]):
    """A request that advances, and by how many tokens at most."""

    request: Request
    tokens: int


class Scheduler(Generic[Request]):
    """Holds the requests of one engine and says who is next."""

    def __init__(self, limits: Limits) -> None:
        """See `Limits`."""
        self._limits = limits
        self._passes = 0
        self.waiting: list[Request] = []
        """Those whose turn has not come, in the order in which they came."""
        self.running: list[Request] = []
        """Those that are under way, in the order in which they began."""

    def __len__(self) -> int:
        """How many requests there are."""
        return len(self.waiting) + len(self.running)

    def add(self, request: Request) -> None:
        """Take a request that has come."""
        self.waiting.append(request)

    def remove(self, request: Request) -> None:
        """Forget a request that has ended."""
        for requests in (self.waiting, self.running):
            if request in requests:
                requests.remove(request)

    def admit(self) -> Request | None:
        """The next request that begins, or None where none can.

        A completion always can: nobody's typing waits for other people's answers to end.
        """
        if not self.waiting:
            return None
        counts = Counter(request.job.client for request in self.running)
        best = min(self.waiting, key=lambda one: (one.job.priority, counts[one.job.client]))
        people = [one for one in self.running if one.job.priority < Priority.BATCH]
        held = people if best.job.priority < Priority.BATCH else self.running
        if best.job.priority > Priority.COMPLETION and len(held) >= self._limits.together:
            return None
        self.waiting.remove(best)
        self.running.append(best)
        return best

    def turns(self) -> list[Turn[Request]]:
        """Who advances in the next pass."""
        self._passes += 1
        urgent = min((one.job.priority for one in self.running), default=Priority.BATCH)
        chosen = [one for one in self.running if one.job.priority == urgent]
        readers = [one for one in chosen if one.reading]
        if readers and urgent is Priority.COMPLETION:
            return [Turn(readers[0], self._limits.chunk)]
        if urgent is Priority.COMPLETION and self._passes % CHATS_EVERY == 0:
            chosen = [one for one in self.running if one.job.priority < Priority.BATCH]
        makers = [one for one in chosen if not one.reading]
        if readers:
            # One prompt at a time: the first is answered sooner, and nobody later.
            chunk = Turn(readers[0], self._limits.chunk)
            return [chunk, *(Turn(maker, 1) for maker in makers)]
        return self._checking(makers)

    def _checking(self, makers: Sequence[Request]) -> list[Turn[Request]]:
        each = max(1, self._limits.checked // max(1, len(makers)))
        return [Turn(maker, each) for maker in makers]
