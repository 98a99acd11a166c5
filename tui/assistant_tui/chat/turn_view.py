"""One turn as it is shown: who says it, which of several branches it is, and the words."""

from dataclasses import dataclass, replace
from typing import ClassVar

from markdown_it import MarkdownIt
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Markdown, Static
from textual.widgets.markdown import MarkdownStream

from assistant.history import Turn
from assistant.history.chat_rows import Thumb
from assistant_tui.controls import visible

_ENDS = {
    "length": "cut off: no room for more",
    "stopped": "stopped",
    "broken": "broke off",
}
_PACE_SECONDS = 0.06
_THUMBS = {"up": ("  ▲ good", "$success"), "down": ("  ▼ bad", "$error")}


@dataclass(frozen=True, slots=True)
class Place:
    """Which of the turns in one place it is."""

    number: int
    """Counted from 1."""
    of: int


class Step(Static):
    """Goes to the branch before or behind, by the mouse."""

    def __init__(self, mark: str, by: int) -> None:
        super().__init__(mark, classes="step")
        self._by = by

    def on_click(self) -> None:
        """Go there."""
        view = self.query_ancestor(TurnView)
        view.post_message(TurnView.Stepped(view.turn, self._by))


class TurnView(Vertical, can_focus=True):
    """A question is shown as it was typed, an answer as Markdown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "Edit", id="edit_turn"),
        Binding("left", "step(-1)", "Branch", id="branch_before", key_display="← →"),
        Binding("right", "step(1)", "Branch behind", id="branch_behind", show=False),
        Binding("plus", "rate('up')", "Good", id="thumb_up", key_display="+"),
        Binding("minus", "rate('down')", "Bad", id="thumb_down", key_display="-"),
        Binding("c", "copy", "Copy", id="copy_turn"),
        Binding("up", "go(-1)", "Turn above", id="turn_above", show=False),
        Binding("down", "go(1)", "Turn below", id="turn_below", show=False),
    ]

    class Asked(Message):
        """Something is wanted with a turn."""

        def __init__(self, turn: Turn) -> None:
            super().__init__()
            self.turn = turn

    class Edited(Asked):
        """The question is to be asked otherwise."""

    class Stepped(Asked):
        """The branch beside it is to be shown."""

        def __init__(self, turn: Turn, by: int) -> None:
            super().__init__(turn)
            self.by = by

    class Rated(Asked):
        """The answer is good or bad; `turn` says which."""

    class Left(Asked):
        """To the turn above or below, or to the question that is written."""

        def __init__(self, turn: Turn, by: int) -> None:
            super().__init__(turn)
            self.by = by

    def __init__(self, turn: Turn, place: Place) -> None:
        super().__init__(classes=turn.speaker)
        self.turn = turn
        self._place = place
        self._stream: MarkdownStream | None = None
        self._timer: Timer | None = None
        self._told = len(turn.text)
        """How much of the text is shown, or on its way."""

    def compose(self) -> ComposeResult:
        """The head, what is attached, and the words."""
        with Horizontal(classes="head"):
            yield Static(classes="who")
            yield Step("◂", -1)
            yield Static(classes="number")
            yield Step("▸", 1)
        for one in self.turn.attachments:
            lines = one.text.count("\n") + (not one.text.endswith("\n"))
            said = f"{one.name}  {lines:,} line{'s' if lines != 1 else ''}"
            yield Static(visible(said), classes="attachment", markup=False)
        if self.turn.speaker == "user":
            yield Static(visible(self.turn.text), classes="words", markup=False)
        else:
            yield Markdown(visible(self.turn.text), parser_factory=_parser, open_links=False)

    def on_mount(self) -> None:
        """Fill the head."""
        self.become(self.turn, self._place)

    def become(self, turn: Turn, place: Place) -> None:
        """The same turn with another rating, end or place."""
        self.turn, self._place = turn, place
        name = "You" if turn.speaker == "user" else turn.model or "Assistant"
        who = Content.assemble(
            (visible(name), "bold"),
            (f"  {turn.time.astimezone():%H:%M}", "$foreground 50%"),
            (f"  {_ENDS[turn.end]}" if turn.end in _ENDS else "", "$warning"),
            _THUMBS.get(turn.thumb, ""),
        )
        self.query_one(".who", Static).update(who)
        self.query_one(".number", Static).update(f" {place.number}/{place.of} ")
        for widget in self.query(".step, .number"):
            widget.display = place.of > 1
        self.refresh_bindings()

    def grow(self, turn: Turn) -> None:
        """Show what has come since, soon: each time costs as much as the last paragraph is long."""
        self.turn = turn
        if self._timer is None:
            self._timer = self.set_timer(_PACE_SECONDS, self._catch_up)

    async def finish(self, turn: Turn) -> None:
        """Show the rest; nothing more will come."""
        self.turn = turn
        if self._timer is not None:
            self._timer.stop()
        await self._catch_up()
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.stop()
        self.become(turn, self._place)

    async def _catch_up(self) -> None:
        self._timer = None
        text = self.turn.text
        new, self._told = text[self._told :], len(text)
        if new:
            if self._stream is None:
                self._stream = Markdown.get_stream(self.query_one(Markdown))
            await self._stream.write(visible(new))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done here is offered."""
        if action == "edit":
            return self.turn.speaker == "user"
        if action == "rate":
            return self.turn.speaker == "assistant"
        return self._place.of > 1 if action == "step" else True

    def action_edit(self) -> None:
        """Ask otherwise."""
        self.post_message(self.Edited(self.turn))

    def action_step(self, by: int) -> None:
        """Show another branch."""
        self.post_message(self.Stepped(self.turn, by))

    def action_rate(self, thumb: str) -> None:
        """Say what the answer is worth; the same again takes it back."""
        value: Thumb = "up" if thumb == "up" else "down"
        taken_back = self.turn.thumb == value
        self.post_message(self.Rated(replace(self.turn, thumb="" if taken_back else value)))

    def action_copy(self) -> None:
        """Give the text to the terminal's clipboard."""
        self.app.copy_to_clipboard(self.turn.text)
        self.app.notify("Copied.")

    def action_go(self, by: int) -> None:
        """To the next turn."""
        self.post_message(self.Left(self.turn, by))


def _parser() -> MarkdownIt:
    """HTML in an answer is shown as it stands: nothing that was said is left out."""
    return MarkdownIt("gfm-like", {"html": False})
