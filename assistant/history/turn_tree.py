"""The turns of one conversation as a tree: each branch of it can be shown, and none is lost."""

from collections.abc import Iterable
from dataclasses import replace

from assistant.history.chat_rows import Turn


class TurnTree:
    """Never changes; what adds or replaces a turn gives another tree."""

    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        """`turns` in the order in which they came; each follows one before it, or none.

        Raises ValueError for a turn that follows one that isn't there, or comes twice.
        """
        self._turns: dict[str, Turn] = {}
        self._after: dict[str | None, list[str]] = {None: []}
        for turn in turns:
            if turn.id in self._turns or turn.parent not in self._after:
                raise ValueError(f"turn {turn.id} comes twice, or follows one that is not there")
            self._turns[turn.id] = turn
            self._after[turn.id] = []
            self._after[turn.parent].append(turn.id)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All of them, in the order in which they came."""
        return tuple(self._turns.values())

    @property
    def leaves(self) -> tuple[Turn, ...]:
        """The last turns of all branches."""
        return tuple(turn for turn in self._turns.values() if not self._after[turn.id])

    def __contains__(self, key: object) -> bool:
        return key in self._turns

    def __getitem__(self, key: str) -> Turn:
        return self._turns[key]

    def added(self, turn: Turn) -> "TurnTree":
        """With one more turn. Raises ValueError as `__init__` does."""
        return TurnTree((*self.turns, turn))

    def replaced(self, turn: Turn) -> "TurnTree":
        """With another text or rating of the turn of that id, which stays where it is."""
        old = self._turns[turn.id]
        new = replace(turn, parent=old.parent)
        return TurnTree(new if one is old else one for one in self.turns)

    def siblings(self, key: str) -> tuple[Turn, ...]:
        """The turns that could stand in the place of that turn, itself included."""
        return tuple(self._turns[one] for one in self._after[self._turns[key].parent])

    def below(self, key: str | None) -> str | None:
        """The leaf that is reached from a turn, or from the beginning, by the newest turns."""
        while self._after.get(key):
            key = self._after[key][-1]
        return key if key in self._turns else None

    def path(self, key: str | None) -> tuple[Turn, ...]:
        """The branch through a turn, from its first turn to a leaf.

        Of what isn't there, such as None, the branch of the newest turns.
        """
        leaf = self.below(key if key in self._turns else None)
        return () if leaf is None else self.until(leaf)

    def until(self, key: str) -> tuple[Turn, ...]:
        """From the first turn of the branch to that turn."""
        found, at = [], key if key in self._turns else None
        while at is not None:
            found.append(self._turns[at])
            at = self._turns[at].parent
        return tuple(reversed(found))
