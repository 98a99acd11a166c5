"""Stop strings in text that arrives piece by piece."""

from collections.abc import Sequence


class StopFilter:
    """Lets text through up to the earliest stop string, and nothing that could belong to one.

    However the text is cut into pieces, what comes out is the whole text before the place where
    the first of the stop strings begins. Text that may turn out to be the start of a stop string
    is held back until that is decided.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        """`stops` are the texts to stop at, none of them empty."""
        self._stops = tuple(stops)
        self._longest = max(map(len, self._stops), default=0)
        self._held = ""
        self.stopped = False
        """Whether a stop string was found: nothing comes out any more."""

    def push(self, piece: str) -> str:
        """Take the next piece of text and give what is now known to be part of the answer."""
        if self.stopped:
            return ""
        text = self._held + piece
        found = self._first_stop(text)
        undecided = self._first_start_of_stop(text)
        if found is not None and found <= undecided:
            self.stopped, self._held = True, ""
            return text[:found]
        self._held = text[undecided:]
        return text[:undecided]

    def finish(self) -> str:
        """The text has ended: give what is left of it, up to a stop string."""
        if self.stopped:
            return ""
        text, self._held = self._held, ""
        found = self._first_stop(text)
        self.stopped = found is not None
        return text[:found]

    def _first_stop(self, text: str) -> int | None:
        places = (text.find(stop) for stop in self._stops)
        return min((place for place in places if place >= 0), default=None)

    def _first_start_of_stop(self, text: str) -> int:
        """The earliest place from where on `text` is the start of a stop string, or its length."""
        for place in range(max(0, len(text) - self._longest + 1), len(text)):
            tail = text[place:]
            if any(stop.startswith(tail) for stop in self._stops if len(stop) > len(tail)):
                return place
        return len(text)
