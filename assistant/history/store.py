"""The record of suggestions, and what became of them."""

from collections.abc import Iterator

from assistant.history import queries
from assistant.history.database import Database
from assistant.history.rows import EVERYTHING, Choice, Fate, Suggestion


class History(Database):
    """The record of suggestions."""

    def add(self, suggestion: Suggestion) -> None:
        """Record a suggestion."""
        self._write(lambda connection: queries.add(connection, suggestion))

    def settle(self, key: str, fate: Fate) -> bool:
        """Record what became of the suggestion of that id; returns whether there is one."""
        return self._write(lambda connection: queries.settle(connection, key, fate))

    def find(self, choice: Choice = EVERYTHING, *, limit: int | None = None) -> list[Suggestion]:
        """The suggestions that are meant, the newest first, and so many at most."""
        return list(self._read(choice, newest_first=True, limit=limit))

    def export(self, choice: Choice = EVERYTHING) -> Iterator[Suggestion]:
        """The suggestions that are meant, one after the other, the oldest first."""
        return self._read(choice, newest_first=False, limit=None)

    def count(self, choice: Choice = EVERYTHING) -> int:
        """How many suggestions are meant."""
        if not self.file.exists():
            return 0
        with self._errors():
            return queries.count(self._opened(), choice)

    def matching(self, beginning: str) -> list[str]:
        """The ids that begin so: all of an id, or enough of it to be the only one."""
        if not self.file.exists():
            return []
        with self._errors():
            return queries.matching(self._opened(), beginning)

    def delete(self, choice: Choice) -> int:
        """Delete suggestions so that nothing of them stays in the file; returns how many."""
        if not self.file.exists():
            return 0
        deleted = self._write(lambda connection: queries.delete(connection, choice))
        self._empty_log()
        return deleted

    def _read(
        self, choice: Choice, *, newest_first: bool, limit: int | None
    ) -> Iterator[Suggestion]:
        if self.file.exists():
            with self._errors():
                yield from queries.read(
                    self._opened(), choice, newest_first=newest_first, limit=limit
                )
