"""What is typed and not sent: kept soon after it is typed, each in its place."""

from collections.abc import Callable

from textual.timer import Timer

from assistant.history import HistoryError
from assistant_tui.chat.archive import Archive

SECONDS = 0.4
"""How soon after a key it is kept."""
NEW = ("", "")
"""The place in a conversation that has no turn yet."""


class Draft:
    """The text of the composer, in one place at a time.

    A place is a conversation's id, and the id of the question that is edited, or nothing.
    """

    def __init__(self, archive: Archive, text: Callable[[], str], tell: Callable[[str], object]):
        """`text` is what is typed now; `tell` is told what goes wrong."""
        self.place = NEW
        self._archive = archive
        self._text = text
        self._tell = tell
        self._kept = ""
        self._timer: Timer | None = None

    def soon(self, timer: Callable[[], Timer]) -> None:
        """A key was pressed; `timer` calls `keep` in a moment."""
        if self._timer is None:
            self._timer = timer()

    async def keep(self, text: str | None = None) -> None:
        """Write what was typed, if it is not written yet; `text` where it stands there no more."""
        self._stop()
        place = self.place
        text = self._text() if text is None else text
        if text != self._kept:
            try:
                await self._archive.keep_draft(place, text)
            except HistoryError as error:
                self._tell(f"What you typed is not kept: {error}")
                return
            if place == self.place:
                self._kept = text

    async def move(self, place: tuple[str, str], begin: str = "", taken: str | None = None) -> str:
        """Go to another place; the text to go on with there.

        `begin` is what that is where nothing was typed. `taken` is what was typed at the old place,
        where it stands there no more. What is typed while this waits was meant for the new place,
        and comes behind. Raises HistoryError.
        """
        await self.keep(taken)
        known = self._kept if taken is None else ""
        draft = await self._archive.draft(place)
        return self._moved(place, draft, begin, known)

    def sent(self, place: tuple[str, str]) -> str:
        """The text was taken away and sent; what was typed since, to go on with."""
        self._stop()
        return self._moved(place, "", "", "")

    def _moved(self, place: tuple[str, str], draft: str, begin: str, known: str) -> str:
        now = self._text()
        typed = now.removeprefix(known) if now.startswith(known) else ""
        self.place, self._kept = place, draft
        return (draft or begin) + typed

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
