"""When to ask the model: at once, or when the typing pauses."""

from dataclasses import dataclass, field

from assistant.history.rows import Outcome

_PAUSE_SECONDS = 1.0
"""A longer gap between two keys is no typing."""
_WEIGHT = 0.1
"""Of the newest observation in a running mean."""
_LONGEST_DELAY = 0.3
_SELDOM, _TOLD = 0.05, 10
"""How seldom somebody takes suggestions for whom none is made before it is wanted, and after how
many of them one knows."""
_REMEMBERED = 40
"""Suggestions; older ones hardly weigh anything."""


@dataclass(slots=True)
class _Mean:
    value: float | None = None

    def take(self, value: float) -> None:
        old = self.value
        self.value = value if old is None else old + _WEIGHT * (value - old)


@dataclass(slots=True)
class Pace:
    """How fast somebody types, how fast the model answers, and how often it is welcome."""

    least: float = 0.0
    """Seconds; no delay is shorter, where somebody would rather not see something at each key."""
    _gap: _Mean = field(default_factory=_Mean)
    _answer: _Mean = field(default_factory=_Mean)
    _accepted: dict[str, bool] = field(default_factory=dict)
    """What is known of the newest suggestions, by their ids."""
    _last_key: float | None = None

    def key(self, now: float) -> None:
        """Something was typed, at this time in seconds."""
        if self._last_key is not None and now - self._last_key < _PAUSE_SECONDS:
            self._gap.take(now - self._last_key)
        self._last_key = now

    def answered(self, seconds: float) -> None:
        """The model took so long."""
        self._answer.take(seconds)

    def became(self, suggestion: str, outcome: Outcome) -> None:
        """What is known of a suggestion, by its id."""
        if outcome != "shown":
            self.settled(suggestion, accepted=outcome in ("accepted", "accepted_part", "typed"))

    def settled(self, suggestion: str, *, accepted: bool) -> None:
        """A suggestion was taken or not, by its id.

        A later word on the same one replaces the earlier: what was taken and then undone was not
        welcome, rather than welcome once and once not.
        """
        self._accepted[suggestion] = accepted
        if len(self._accepted) > _REMEMBERED:
            del self._accepted[next(iter(self._accepted))]

    @property
    def delay(self) -> float:
        """Seconds to wait for the next key before the model is asked.

        No more than `least` as long as the model answers before the next key comes: waiting would
        only make it later. Where it is slower, a key would end its work before anything is seen,
        so it begins when the typing pauses, and later for those who seldom take what it says.
        """
        gap, answer = self._gap.value, self._answer.value
        if gap is None or answer is None or answer <= gap:
            return self.least
        return min(_LONGEST_DELAY, max(self.least, gap * (2.0 - self._welcome)))

    @property
    def pause(self) -> float:
        """Seconds without a key after which somebody has stopped typing, to read perhaps."""
        return min(_LONGEST_DELAY, 2.0 * (self._gap.value or 0.0))

    @property
    def looks_ahead(self) -> bool:
        """Whether to make what comes behind a suggestion before that is taken.

        It saves the wait after one that is taken, and is made for nothing behind all others.
        """
        return len(self._accepted) < _TOLD or self._welcome >= _SELDOM

    @property
    def _welcome(self) -> float:
        """How often suggestions are taken, from 0 to 1."""
        mean = _Mean()
        for accepted in self._accepted.values():
            mean.take(1.0 if accepted else 0.0)
        return 0.5 if mean.value is None else mean.value
