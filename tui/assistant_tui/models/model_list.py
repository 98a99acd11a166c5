"""The models at the side: those on this machine first, and a line to look for some by name."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from assistant_tui.controls import visible
from assistant_tui.models.known import Known
from assistant_tui.models.pictures import parameters, row_line
from assistant_tui.models.rows import ModelRow

_FITS = {"fits": ("✓", "$success"), "tight": ("~", "$warning"), "too large": ("✗", "$error")}
_PHASES = {"pulling": "$success", "stopped": "$warning", "failed": "$error"}
_HERE, _TO_PULL = "On this machine", "To be pulled"


class ModelRows(OptionList):
    """One line for each model."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Use", id="use_model"),
        Binding("right", "screen.details", "Details", id="details", show=False),
    ]


class ModelList(Vertical):
    """Which model is shown is chosen here."""

    class Shown(Message):
        """Another model is highlighted."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Chosen(Shown):
        """A model is to be used."""

    def __init__(self) -> None:
        super().__init__(id="models", classes="framed side")
        self.border_title = "Models"
        self._known = Known()
        self._lines: list[tuple[str, Content]] = []
        """What is shown: names, empty for a heading, and how they are drawn."""

    def compose(self) -> ComposeResult:
        """The line, and the list."""
        yield Input(placeholder="Search", id="words", compact=True)
        yield ModelRows(classes="rows", compact=True)

    @property
    def rows(self) -> ModelRows:
        """The list itself."""
        return self.query_one(ModelRows)

    @property
    def highlighted(self) -> str:
        """The name of the model that is highlighted; empty for none."""
        option = self.rows.highlighted_option
        return (option.id or "") if option is not None else ""

    def seek(self) -> None:
        """Go to the line to look for names."""
        self.query_one(Input).focus()

    def show(self, known: Known) -> None:
        """Show what is known now; the highlighted model stays so."""
        self._known = known
        lines = list(self._drawn())
        if [name for name, _ in lines] == [name for name, _ in self._lines]:
            for at, (old, new) in enumerate(zip(self._lines, lines, strict=True)):
                if (old[1].plain, old[1].spans) != (new[1].plain, new[1].spans):
                    self.rows.replace_option_prompt_at_index(at, new[1])
        else:
            self._fill(lines)
        self._lines = lines

    def _fill(self, lines: Sequence[tuple[str, Content]]) -> None:
        rows, at = self.rows, self.highlighted
        rows.clear_options()
        rows.add_options(Option(line, name or None, disabled=not name) for name, line in lines)
        names = [name for name, _ in lines]
        asked = next((row.name for row in self._known.rows if self._known.is_asked(row)), "")
        wanted = next((one for one in (at, asked) if one and one in names), "")
        first = next((n for n, name in enumerate(names) if name), None)
        rows.highlighted = names.index(wanted) if wanted else first

    def _drawn(self) -> Iterator[tuple[str, Content]]:
        words = self.query_one(Input).value.lower().split()
        rows = [row for row in self._known.rows if all(one in row.name for one in words)]
        here = [row for row in rows if row.here]
        begun = [row for row in rows if not row.here and self._is_begun(row)]
        rest = [row for row in rows if not row.here and not self._is_begun(row)]
        for title, group in ((_HERE, here), (_TO_PULL, [*begun, *rest])):
            if group:
                yield "", Content.styled(title, "$foreground 50%")
                yield from ((row.name, self._line(row)) for row in group)

    def _is_begun(self, row: ModelRow) -> bool:
        return bool(row.interrupted) or row.name in self._known.pulls

    def _line(self, row: ModelRow) -> Content:
        known = self._known
        loaded = known.is_loaded(row)
        mark = "▌" if known.is_asked(row) else " "
        marks = (mark + ("● " if loaded else "  "), "$success" if loaded else "$primary")
        width = max(self.rows.scrollable_content_region.width - 1, 10)
        size = parameters(row.parameters)
        return row_line(marks, visible(row.name), size, self._verdict(row), width)

    def _verdict(self, row: ModelRow) -> Content:
        pull = self._known.pulls.get(row.name)
        if pull is not None:
            return Content.styled(f"{pull.share:4.0%}", _PHASES[pull.phase])
        fit = self._known.fit(row.name)
        return Content.styled(*_FITS[fit]) if fit is not None else Content(" ")

    @on(Resize)
    def _resized(self) -> None:
        self.show(self._known)

    @on(Input.Changed)
    def _typed(self) -> None:
        self.show(self._known)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.rows.focus()

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        self.post_message(self.Shown(event.option_id or ""))

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.post_message(self.Chosen(event.option_id or ""))
