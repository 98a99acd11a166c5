"""Where a piece of data comes from, so that whatever is said of it can be looked up."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """A place in a source."""

    source: str
    """A file as the user named it, a data set's name, or `history`."""
    line: int = 0
    """The line, or row, that it begins in, counted from 1; 0 for the source as a whole."""
    part: str = ""
    """Which part of that record, such as `path 2`; empty for all of it."""

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return f"{place} ({self.part})" if self.part else place

    def inner(self, part: str) -> "Origin":
        """A part of this."""
        return Origin(self.source, self.line, f"{self.part}, {part}" if self.part else part)
