"""The runs at the side, the newest first."""

from collections.abc import Mapping
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from assistant_tui.controls import visible
from assistant_tui.training import shown
from assistant_tui.training.following import Seen
from assistant_tui.training.runs import Measured, Run

_MARKS = {
    "under way": ("● ", "$warning"),
    "interrupted": ("‖ ", "$error"),
    "done": ("✓ ", "$success"),
}
_NONE = "No runs yet."


class RunList(Vertical):
    """Which run is shown is chosen here."""

    class Chosen(Message):
        """A run is to be shown."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__(id="runs", classes="framed side")
        self.border_title = "Runs"
        self._names: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """The list, or why it is empty."""
        yield OptionList(classes="rows", compact=True)
        yield Static(_NONE, id="no-runs", markup=False)

    @property
    def rows(self) -> OptionList:
        """The list itself."""
        return self.query_one(OptionList)

    def show(self, seen: Seen, chosen: str) -> None:
        """Show how the runs stand, with the cursor on the one that is `chosen`."""
        lines = {run.name: _line(as_measured(run, seen.measured)) for run in seen.runs}
        rows = self.rows
        with self.prevent(OptionList.OptionHighlighted):
            if tuple(lines) == self._names:
                for at, line in enumerate(lines.values()):
                    rows.replace_option_prompt_at_index(at, line)
            else:
                self._names = tuple(lines)
                rows.clear_options()
                rows.add_options(Option(line) for line in lines.values())
            rows.highlighted = self._names.index(chosen) if chosen in self._names else None
        rows.display = bool(lines)
        nothing = self.query_one("#no-runs", Static)
        nothing.display = not lines
        nothing.update(visible(seen.problem) or _NONE)

    @on(OptionList.OptionHighlighted)
    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionMessage) -> None:
        self.post_message(self.Chosen(self._names[event.option_index]))
        if isinstance(event, OptionList.OptionSelected):
            self.remove_class("-shown")  # where there is little room it had all of it


def as_measured(run: Run, measured: Mapping[str, tuple[Measured, ...]]) -> Run:
    """A run as far as it is by its own measurements, which are newer than the list."""
    found = measured.get(run.name, ())
    if not found:
        return run
    losses = [one.loss for one in found if one.loss is not None]
    last = found[-1]
    return replace(run, step=last.step, steps=last.steps, loss=losses[-1] if losses else run.loss)


def _line(run: Run) -> Content:
    told = [f"{run.step}/{run.steps}"] if run.steps is not None and run.state != "done" else []
    told += [shown.loss(run.loss)] if run.loss is not None and run.state != "interrupted" else []
    told += [shown.when(run.changed)] if run.state != "under way" else []
    return Content.assemble(
        _MARKS[run.state], visible(run.name), "\n  ", ("  ".join(told), "$foreground 60%")
    )
