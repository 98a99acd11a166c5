"""Where a question is written: its words, and the files that go with it."""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from assistant.history import Attachment
from assistant_tui.controls import visible
from assistant_tui.ordered_text_area import OrderedTextArea


class QuestionText(OrderedTextArea):
    """Enter sends; a line is broken by Ctrl+J, which every terminal can tell from Enter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", id="send"),
        Binding("ctrl+j,shift+enter,alt+enter", "break_line", "Line", id="line", key_display="^j"),
        Binding("ctrl+n", "begin", "New", id="new_chat"),
        Binding("ctrl+up", "leave", "Turns", id="turns", show=False),
        Binding("pageup", "page(-1)", "Page above", id="page_above", show=False),
        Binding("pagedown", "page(1)", "Page below", id="page_below", show=False),
    ]

    class Taken(Message):
        """The text stands here no longer: what is typed next is another one."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Sent(Taken):
        """It is a question to be asked."""

    class Begun(Taken):
        """It belongs to this conversation, and another one is wanted."""

    class Left(Message):
        """To what was said."""

    class Paged(Message):
        """A page of what was said is to be gone up or down."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self) -> None:
        super().__init__(
            soft_wrap=True,
            tab_behavior="focus",
            show_line_numbers=False,
            highlight_cursor_line=False,
            placeholder="Ask something …",
        )

    def action_send(self) -> None:
        """Ask."""
        if self.text.strip():
            self.post_message(self.Sent(self.text))
            self.load_text("")

    def action_begin(self) -> None:
        """Begin another conversation."""
        self.post_message(self.Begun(self.text))
        self.load_text("")

    def action_break_line(self) -> None:
        """Begin a new line."""
        self.insert("\n")

    def action_leave(self) -> None:
        """Go to what was said last."""
        self.post_message(self.Left())

    def action_page(self, by: int) -> None:
        """Read above or below, while the question stays."""
        self.post_message(self.Paged(by))

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "escape":
            return  # it is bound, and does not leave the text by itself
        if event.key == "up" and self.cursor_location == (0, 0):
            self.action_leave()
        elif not await self._run_own(event.key):
            await super()._on_key(event)
            return
        event.stop()
        event.prevent_default()


class Composer(Vertical):
    """The question that is being written."""

    def __init__(self) -> None:
        super().__init__(id="composer")
        self.attachments: tuple[Attachment, ...] = ()

    def compose(self) -> ComposeResult:
        """The files, and the words."""
        yield Static(id="attached")
        yield QuestionText()

    def on_mount(self) -> None:
        """Nothing is attached yet."""
        self.attach(())

    @property
    def field(self) -> QuestionText:
        """Where the words are typed."""
        return self.query_one(QuestionText)

    @property
    def text(self) -> str:
        """The words."""
        return self.field.text

    def put(self, text: str, attachments: tuple[Attachment, ...] = ()) -> None:
        """Show another question."""
        self.field.load_text(text)
        self.field.move_cursor(self.field.document.end)
        self.attach(attachments)

    def attach(self, attachments: tuple[Attachment, ...]) -> None:
        """These files go with the question."""
        self.attachments = attachments
        shown = self.query_one("#attached", Static)
        shown.display = bool(attachments)
        names = "   ".join(f"▪ {visible(one.name)}" for one in attachments)
        shown.update(
            Content.assemble((names, "$accent"), ("   Ctrl+D detaches", "$foreground 50%"))
        )
