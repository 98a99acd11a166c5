"""A room: a screen that stays while the user is in another one."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import SystemCommand
from textual.screen import Screen

from assistant_tui.model import ModelState
from assistant_tui.status import StatusBar


class Room(Screen[None]):
    """Has a `StatusBar` that says how the model stands."""

    OFFERED: ClassVar[tuple[tuple[str, str, str], ...]] = ()
    """In the palette: a title, what it does, and the action."""

    def commands(self) -> Iterator[SystemCommand]:
        """What the palette offers here, as far as it can be done now."""
        for title, says, action in self.OFFERED:
            if self.check_action(action, ()):
                yield SystemCommand(title, says, getattr(self, f"action_{action}"))

    def enter(self) -> None:
        """Look at what may have changed, as the user comes here."""

    def show_model(self, state: ModelState) -> None:
        """Say how the model stands."""
        if self.is_mounted:
            self.query_one(StatusBar).show_model(state)

    async def finish(self) -> None:
        """Write down everything, as the app ends."""
