"""Small questions over the screen: for a name, and for a choice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option


class AskName(ModalScreen[str | None]):
    """Asks for a line of text; None when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Leave")]

    def __init__(self, title: str, hint: str, value: str = "") -> None:
        super().__init__(classes="dialog")
        self._title = title
        self._hint = hint
        self._value = value

    def compose(self) -> ComposeResult:
        """The line and what to know of it."""
        with Vertical(classes="box") as box:
            box.border_title = self._title
            yield Input(self._value, select_on_focus=False)
            yield Label(self._hint, classes="hint")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)


@dataclass(frozen=True, slots=True)
class Answer:
    """One of several answers."""

    key: str
    label: str


class Choose(ModalScreen[str | None]):
    """Asks for one of some answers; None when it is left, where it may be."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave")]

    def __init__(
        self, title: str, question: str, answers: Sequence[Answer], *, leave: str | None = None
    ) -> None:
        """`leave` is the answer of who presses Escape."""
        super().__init__(classes="dialog")
        self._title = title
        self._question = question
        self._answers = answers
        self._leave = leave

    def compose(self) -> ComposeResult:
        """The question and a list of answers."""
        with Vertical(classes="box") as box:
            box.border_title = self._title
            yield Static(self._question, classes="question", markup=False)
            yield OptionList(*(Option(one.label, one.key) for one in self._answers))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def action_leave(self) -> None:
        """Leave without a choice."""
        self.dismiss(self._leave)
