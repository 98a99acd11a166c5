"""The conversations at the side, the newest first, and a line to look for words in them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from assistant.history import Chat
from assistant_tui.controls import visible


class ChatList(Vertical):
    """Which conversation is shown is chosen here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("delete", "throw", "Delete", id="delete_chat"),
        Binding("ctrl+z", "bring_back", "Undelete", id="undelete_chat", show=False),
    ]

    class Wanted(Message):
        """Something is wanted with a conversation."""

        def __init__(self, chat: Chat) -> None:
            super().__init__()
            self.chat = chat

    class Chosen(Wanted):
        """It is to be shown."""

    class Thrown(Wanted):
        """It is to be thrown away."""

    class BroughtBack(Message):
        """The one that was thrown away last is wanted again."""

    class Sought(Message):
        """Other words are looked for."""

    def __init__(self) -> None:
        super().__init__(id="chats", classes="framed side")
        self.border_title = "Chats"
        self._chats: Sequence[Chat] = ()

    def compose(self) -> ComposeResult:
        """The line, and the list."""
        yield Input(placeholder="Search", id="words", compact=True)
        yield OptionList(classes="rows", compact=True)
        yield Static(id="none")

    @property
    def words(self) -> str:
        """What is looked for."""
        return self.query_one(Input).value

    def seek(self) -> None:
        """Go to the line to look for words."""
        self.query_one(Input).focus()

    def show(self, chats: Sequence[Chat], shown: str, writing: Collection[str]) -> None:
        """Show conversations, with a mark at the one that is `shown` and where one is answered."""
        rows = self.query_one(OptionList)
        at = rows.highlighted_option.id if rows.highlighted_option else shown
        self._chats = chats
        rows.clear_options()
        rows.add_options(
            Option(_line(chat, here=chat.id == shown, writing=chat.id in writing), chat.id)
            for chat in chats
        )
        keys = [chat.id for chat in chats]
        wanted = at if rows.has_focus and at in keys else shown
        if keys:
            rows.highlighted = keys.index(wanted) if wanted in keys else 0
        rows.display = bool(chats)
        none = self.query_one("#none", Static)
        none.display = not chats
        none.update("Nothing holds these words." if self.words.strip() else "Nothing is kept yet.")

    @on(Input.Changed)
    def _typed(self) -> None:
        self.post_message(self.Sought())

    @on(Input.Submitted)
    def _submitted(self) -> None:
        if self._chats:
            self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.post_message(self.Chosen(self._chats[event.option_index]))

    def action_throw(self) -> None:
        """Throw the highlighted conversation away."""
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._chats):
            self.post_message(self.Thrown(self._chats[at]))

    def action_bring_back(self) -> None:
        """Undo that."""
        self.post_message(self.BroughtBack())


def _line(chat: Chat, *, here: bool, writing: bool) -> Content:
    mark = ("● ", "$warning") if writing else ("▌ " if here else "  ", "$primary")
    when = chat.changed.astimezone()
    today = datetime.now().astimezone().date()
    shown = f"{when:%H:%M}" if when.date() == today else f"{when:%d %b %Y}".lstrip("0")
    title = (visible(chat.title), "bold" if here else "")
    return Content.assemble(mark, title, "\n  ", (shown, "$foreground 50%"))
