"""What a model will see of the data, sample by sample, with the learned tokens in colour."""

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from assistant.errors import AssistantError
from assistant_tui.command_line import lines_of
from assistant_tui.controls import visible

_PAGE = 20
"""Samples that one command reads; the next is asked while the last of them are looked at."""
_AHEAD = 5
_STYLES = {True: ("$success bold", "$success bold on $panel"), False: ("", "on $panel")}
"""Learned or not; neighbours have different grounds, so that one sees where tokens end."""
_CONTROL = {True: "$success bold reverse", False: "$foreground 60% reverse"}
_READING = "reading the data …"


class SamplesView(ModalScreen[None]):
    """Goes forward and back through the samples of some sources."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n", "step(1)", "Next", id="next_sample"),
        Binding("left,p", "step(-1)", "Before", id="sample_before"),
        Binding("escape,q", "dismiss", "Leave", id="leave_samples"),
    ]

    class Read(Message):
        """A sample was read."""

        def __init__(self, sample: Mapping[str, Any]) -> None:
            super().__init__()
            self.sample = sample

    class Ended(Message):
        """A command has ended."""

        def __init__(self, problem: str = "") -> None:
            super().__init__()
            self.problem = problem

    def __init__(self, sources: Sequence[str], base: str, length: str) -> None:
        """`length` is that of the longest sample in tokens, empty for the command's own choice."""
        super().__init__(classes="samples")
        options = (("--base", base), ("--max-length", length))
        self._arguments = (*sources, *(part for one in options if one[1] for part in one))
        self._samples: list[Mapping[str, Any]] = []
        self._at = 0
        self._problem = ""
        self._asked = 0
        """So many samples will be there, unless the data has fewer."""
        self._reading = False

    def compose(self) -> ComposeResult:
        """One sample."""
        with Vertical(id="sample"):
            with VerticalScroll(classes="scrolled"):
                yield Static(id="tokens")
            yield Static(id="counted", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Read the first ones."""
        self.query_one(VerticalScroll).focus()
        self._ask()
        self._show()

    def action_step(self, step: int) -> None:
        """Go forward or back."""
        at = max(0, min(self._at + step, len(self._samples) - (not self._reading)))
        if at != self._at:
            self._at = at
            self.query_one(VerticalScroll).scroll_home(animate=False)
            self._show()
        if at + _AHEAD >= self._asked and not self._reading and not self._problem:
            self._ask()

    def _ask(self) -> None:
        if len(self._samples) == self._asked:
            self._reading = True
            self._asked += _PAGE
            self._read(len(self._samples) + 1)

    @work(exclusive=True, group="samples")
    async def _read(self, first: int) -> None:
        """Read some samples. Whoever leaves the screen ends the command."""
        options = ("--number", str(first), "--count", str(_PAGE))
        try:
            async with aclosing(lines_of("data", "show", *self._arguments, *options)) as lines:
                async for sample in lines:
                    self.post_message(self.Read(sample))
        except AssistantError as error:
            self.post_message(self.Ended(str(error)))
        else:
            self.post_message(self.Ended())

    @on(Read)
    def _arrived(self, event: Read) -> None:
        self._samples.append(event.sample)
        if len(self._samples) == self._at + 1:
            self._show()

    @on(Ended)
    def _ended(self, event: Ended) -> None:
        self._reading = False
        self._problem = event.problem if not self._samples else ""
        if self._at >= len(self._samples) and self._samples:
            self._at = len(self._samples) - 1
        self._show()

    def _show(self) -> None:
        box, tokens = self.query_one("#sample"), self.query_one("#tokens", Static)
        counted = self.query_one("#counted", Static)
        if self._at >= len(self._samples):
            box.border_title = "Samples"
            tokens.update(Content.styled(visible(self._problem) or _READING, "$foreground 60%"))
            counted.update("")
            return
        sample = self._samples[self._at]
        box.border_title = Content(visible(f"Sample {self._at + 1}: {sample['origin']}"))
        tokens.update(coloured(sample))
        counted.update(f"{sample['length']} tokens, {sample['learned']} of them learned, in colour")


def coloured(sample: Mapping[str, Any]) -> Content:
    """A sample's text, as `assistant data show --json` tells its tokens."""
    return Content.assemble(
        *(
            (visible(token["text"]), _style(token, place))
            for place, token in enumerate(sample["tokens"])
            if token["text"]
        )
    )


def _style(token: Mapping[str, Any], place: int) -> str:
    learned = token["learned"]
    return _CONTROL[learned] if token["control"] else _STYLES[learned][place % 2]
