"""One branch of a conversation from its first turn to its last, as it is read."""

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from assistant.history import Turn, TurnTree
from assistant_tui.chat.turn_view import Place, TurnView

_MOST = 24
"""So many turns are laid out at first, and so many more whenever that is asked for."""
_WELCOME = """\
Ask something. Everything stays on this machine.

Ctrl+O   attach a note or a file
Ctrl+T   choose the model or an adapter
F5       say how the model should behave
↑        edit, branch or rate what was said"""


class Earlier(Static):
    """Stands for the turns above, which are not laid out."""

    class Wanted(Message):
        """They are to be shown."""

    def on_click(self) -> None:
        """Show them."""
        self.post_message(self.Wanted())


class Dialogue(VerticalScroll, can_focus=False):
    """The turns of a branch below each other."""

    def __init__(self) -> None:
        super().__init__(id="dialogue")
        self._most = _MOST
        self._tree = TurnTree()
        self._path: tuple[Turn, ...] = ()

    def compose(self) -> ComposeResult:
        """What stands there before anything is said."""
        yield Static(_WELCOME, id="welcome")
        yield Earlier(id="earlier")

    @property
    def views(self) -> list[TurnView]:
        """The turns that are laid out, from above."""
        return list(self.query(TurnView))

    def view(self, key: str) -> TurnView | None:
        """The turn of that id, where it is laid out."""
        return next((one for one in self.views if one.turn.id == key), None)

    async def show(self, tree: TurnTree, path: tuple[Turn, ...], *, afresh: bool = False) -> None:
        """Show a branch; what it has in common with the one before stays as it is.

        `afresh` is for another conversation.
        """
        if afresh:
            self._most = _MOST
        self._tree, self._path = tree, path
        shown = path[-self._most :]
        views = self.views
        kept = 0
        while kept < min(len(views), len(shown)) and views[kept].turn.id == shown[kept].id:
            views[kept].become(shown[kept], self._place(shown[kept]))
            kept += 1
        with self.app.batch_update():
            for view in views[kept:]:
                await view.remove()
            await self.mount_all([TurnView(turn, self._place(turn)) for turn in shown[kept:]])
            self.query_one("#welcome").display = not path
            hidden = len(path) - len(shown)
            earlier = self.query_one(Earlier)
            earlier.display = hidden > 0
            earlier.update(f"↑ {hidden} earlier turns")
        self.anchor()

    def page(self, by: int) -> None:
        """Go a page up or down; an answer that grows doesn't draw the reader back."""
        self.release_anchor()
        if by < 0:
            self.scroll_page_up(animate=False)
        else:
            self.scroll_page_down(animate=False)

    @on(Earlier.Wanted)
    async def _more(self) -> None:
        top = self.views[0].turn.id if self.views else ""
        self._most += _MOST
        await self.show(self._tree, self._path)
        if (view := self.view(top)) is not None:
            self.call_after_refresh(self.scroll_to_widget, view, top=True, animate=False)

    @on(TurnView.Left)
    async def _left(self, event: TurnView.Left) -> None:
        views = self.views
        keys = [view.turn.id for view in views]
        at = keys.index(event.turn.id) + event.by if event.turn.id in keys else len(keys)
        if at < 0 and len(self._path) > len(views):
            await self._more()
        elif 0 <= at < len(views):
            event.stop()
            views[at].focus()
        elif at < 0:
            event.stop()

    def _place(self, turn: Turn) -> Place:
        siblings = [one.id for one in self._tree.siblings(turn.id)]
        return Place(siblings.index(turn.id) + 1, len(siblings))
