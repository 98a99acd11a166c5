"""What is asked before a model is examined, or looked at for what is wrong with it."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, SelectionList, Static

PROTOCOLS = ("original", "harness", "old-harness", "helm", "instruct-eval", "qlora")
"""Those of `assistant eval mmlu`."""
_USUAL = "harness"
_FIELDS: Mapping[str, tuple[str, str]] = {
    "model": ("Model", "that of the settings"),
    "adapter": ("Adapter", "none; a name or a folder"),
    "data": ("Questions", "cais/mmlu; a folder, or a data set on the hub"),
    "shots": ("Examples", "5; before each question"),
    "limit": ("At most", "all questions; a number, of each subject its share"),
    "claimed": ("Claimed score", "none; per cent, to be explained"),
}
"""What each option is called, and what it is if nothing is written."""

Filled = Mapping[str, str | tuple[str, ...]]
"""Options of the command by their names; those that are empty are left out."""


class Form(ModalScreen[Filled | None]):
    """Gives what is filled in; None when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave"),
        Binding("ctrl+s", "start", "Start", id="start_evaluation"),
    ]
    TITLE_OF_IT: ClassVar[str]
    FIELDS: ClassVar[Sequence[str]]
    START: ClassVar[str]

    def __init__(self, before: Filled) -> None:
        """`before` is what was filled in the last time."""
        super().__init__(classes="dialog")
        self._before = before

    def compose(self) -> ComposeResult:
        """A line for each field."""
        with VerticalScroll(classes="box wide form") as box:
            box.border_title = self.TITLE_OF_IT
            box.can_focus = False
            for name in self.FIELDS:
                label, usual = _FIELDS[name]
                value = self._before.get(name, "")
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield Input(str(value), placeholder=usual, id=name, select_on_focus=False)
            yield from self.more()
            yield Static(classes="problem", markup=False)
            with Horizontal(classes="field"):
                yield Button(self.START, id="start", compact=True, variant="primary")
                yield Label("Enter or Ctrl+S starts, Esc leaves", classes="hint")

    def more(self) -> ComposeResult:
        """What else it asks."""
        yield from ()

    def filled(self) -> Filled:
        """What is filled in."""
        values = {name: self.query_one(f"#{name}", Input).value.strip() for name in self.FIELDS}
        return {name: value for name, value in values.items() if value}

    @on(Input.Submitted)
    @on(Button.Pressed)
    def action_start(self) -> None:
        """Start, unless something is wrong."""
        filled = self.filled()
        problem = problem_of(filled)
        self.query_one(".problem", Static).update(problem)
        if not problem:
            self.dismiss(filled)


class MmluForm(Form):
    """MMLU for a model."""

    TITLE_OF_IT = "Ask MMLU's questions"
    FIELDS = ("model", "adapter", "data", "shots", "limit")
    START = "Ask"

    def more(self) -> ComposeResult:
        """The protocols."""
        chosen = self._before.get("protocol", (_USUAL,))
        with Horizontal(classes="field protocols"):
            yield Label("Protocols")
            yield SelectionList[str](
                *((name, name, name in chosen) for name in PROTOCOLS), id="protocol", compact=True
            )

    def filled(self) -> Filled:
        """What is filled in, and the protocols that are ticked."""
        ticked = self.query_one(SelectionList).selected
        names = tuple(name for name in PROTOCOLS if name in ticked)
        return {**super().filled(), "protocol": names or (_USUAL,)}


class DiagnosisForm(Form):
    """What a model is to be looked at for."""

    TITLE_OF_IT = "Why does a score look wrong?"
    FIELDS = ("model", "adapter", "claimed", "data")
    START = "Look"


def problem_of(filled: Filled) -> str:
    """What is wrong with what was filled in, so that it need not be started to be told."""
    shots, limit, claimed = (str(filled.get(name, "")) for name in ("shots", "limit", "claimed"))
    if shots and shots not in tuple("012345"):
        return "Examples: a number from 0 to 5."
    if limit and not (limit.isdecimal() and int(limit)):
        return "At most: a number, or nothing for all questions."
    if claimed and not _is_percent(claimed):
        return "Claimed score: a number from 0 to 100."
    return ""


def arguments(command: Literal["mmlu", "diagnose"], filled: Filled) -> list[str]:
    """The arguments of `assistant` for what was filled in."""
    found = ["eval", command]
    for name, value in filled.items():
        for one in (value,) if isinstance(value, str) else value:
            found += [f"--{name}", one]
    return found


def _is_percent(text: str) -> bool:
    try:
        return 0 <= float(text) <= 100
    except ValueError:
        return False
