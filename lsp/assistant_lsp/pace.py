"""When to ask the model: at once, or when the typing pauses."""

from dataclasses import dataclass, field

_PAUSE_SECONDS = 1.0
"""A longer gap between two keys is no typing."""
_WEIGHT = 0.1
"""Of the newest observation in a running mean."""
_LONGEST_DELAY = 0.3


@dataclass(slots=True)
class _Mean:
    value: float | None = None

    def take(self, value: float) -> None:
        old = self.value
        self.value = value if old is None else old + _WEIGHT * (value - old)


@dataclass(slots=True)
class Pace:
    """How fast somebody types, how fast the model answers, and how often it is welcome."""

    _gap: _Mean = field(default_factory=_Mean)
    _answer: _Mean = field(default_factory=_Mean)
    _welcome: _Mean = field(default_factory=_Mean)
    _last_key: float | None = None

    def key(self, now: float) -> None:
        """Something was typed, at this time in seconds."""
        if self._last_key is not None and now - self._last_key < _PAUSE_SECONDS:
            self._gap.take(now - self._last_key)
        self._last_key = now

    def answered(self, seconds: float) -> None:
        """The model took so long."""
        self._answer.take(seconds)

    def settled(self, *, accepted: bool) -> None:
        """A suggestion was taken or not."""
        self._welcome.take(1.0 if accepted else 0.0)

    @property
    def delay(self) -> float:
        """Seconds to wait for the next key before the model is asked.

        None as long as the model answers before the next key comes: waiting would only make it
        later. Where it is slower, a key would end its work before anything is seen, so it begins
        when the typing pauses, and later for those who seldom take what it says.
        """
        gap, answer = self._gap.value, self._answer.value
        if gap is None or answer is None or answer <= gap:
            return 0.0
        welcome = 0.5 if self._welcome.value is None else self._welcome.value
        return min(_LONGEST_DELAY, gap * (2.0 - welcome))
