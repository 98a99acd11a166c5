"""The evaluations at the side, the newest first; one of them can be marked, to compare others."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from assistant_tui.controls import visible
from assistant_tui.evaluation.runs import Run

_NOTHING = "Nothing is kept yet.\n\nN asks a model MMLU's questions."


class RunList(Vertical):
    """Which evaluation is shown is chosen here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="compare_evaluation"),
    ]

    class Wanted(Message):
        """Something is wanted with an evaluation."""

        def __init__(self, run: Run) -> None:
            super().__init__()
            self.run = run

    class Shown(Wanted):
        """The cursor is at it."""

    class Chosen(Wanted):
        """It is to be read."""

    class Marked(Wanted):
        """It is one of two to compare."""

    def __init__(self) -> None:
        super().__init__(id="runs", classes="framed side")
        self.border_title = "Evaluations"
        self._runs: Sequence[Run] = ()

    def compose(self) -> ComposeResult:
        """The list, or what is said in its place."""
        yield OptionList(classes="rows", compact=True)
        yield Static(_NOTHING, id="no-runs", markup=False)

    @property
    def run(self) -> Run | None:
        """The one at the cursor."""
        at = self.query_one(OptionList).highlighted
        return self._runs[at] if at is not None and at < len(self._runs) else None

    def show(self, runs: Sequence[Run], marked: Run | None) -> None:
        """Show evaluations, with a mark at one of them; the cursor stays at the same."""
        rows = self.query_one(OptionList)
        at = self.run.name if self.run else ""
        same = [run.name for run in runs] == [run.name for run in self._runs]
        lines = [_line(run, marked is not None and run.name == marked.name) for run in runs]
        self._runs = runs
        if same:
            for number, line in enumerate(lines):
                rows.replace_option_prompt_at_index(number, line)
        else:
            rows.clear_options()
            rows.add_options(map(Option, lines))
            names = [run.name for run in runs]
            rows.highlighted = names.index(at) if at in names else 0 if names else None
        rows.display = bool(runs)
        self.query_one("#no-runs").display = not runs

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        if self.run is not None:
            self.post_message(self.Shown(self.run))

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        if self.run is not None:
            self.post_message(self.Chosen(self.run))

    def action_mark(self) -> None:
        """Mark this one, or compare it with the one that is marked."""
        if self.run is not None:
            self.post_message(self.Marked(self.run))


def _line(run: Run, marked: bool) -> Content:
    mark = ("A ", "$accent bold") if marked else ("  ", "")
    return Content.assemble(
        mark,
        (visible(run.model), "bold"),
        "\n  ",
        (f"{run.evaluation}  ", "$foreground 70%"),
        *_state(run),
    )


def _state(run: Run) -> tuple[tuple[str, str], ...]:
    if run.is_whole:
        return ((run.headline, "$success"),)
    far = f"{run.answered:,}" if run.share is None else f"{100 * run.share:.0f} %"
    sign, style = ("●", "$warning") if run.state == "under way" else ("‖", "$error")
    return ((f"{sign} {far}", style),)
