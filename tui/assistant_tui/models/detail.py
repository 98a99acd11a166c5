"""One model: what it is, whether it fits, how fast it is, and its adapters."""

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from assistant_tui.controls import visible
from assistant_tui.models import facts, pictures
from assistant_tui.models.known import Known
from assistant_tui.models.rows import AdapterRow, ModelRow

_SECTIONS = ("facts", "pull", "memory", "speed")


class AdapterRows(OptionList):
    """The adapters of the model that is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Use", id="use_adapter"),
        Binding("n", "ask('none')", "Use none", id="use_no_adapter"),
        Binding("b", "ask('back')", "Bring back", id="roll_back"),
        Binding("delete", "ask('remove')", "Delete", id="remove_adapter"),
    ]

    class Asked(Message):
        """Something is wanted with an adapter."""

        def __init__(self, adapter: AdapterRow, what: str) -> None:
            """`what` is `use`, `none`, `back` or `remove`."""
            super().__init__()
            self.adapter = adapter
            self.what = what

    def __init__(self) -> None:
        super().__init__(id="adapters", classes="rows", compact=True)
        self.border_title = "Adapters"
        self._adapters: tuple[AdapterRow, ...] = ()
        self._shown: list[Content] = []

    def show(self, known: Known, name: str) -> None:
        """Show those of a model."""
        adapters = known.adapters_of(name)
        lines = [facts.adapter_line(one, known) for one in adapters]
        if [(line.plain, line.spans) for line in lines] != [
            (line.plain, line.spans) for line in self._shown
        ]:
            at = self.highlighted or 0
            self.clear_options()
            self.add_options(Option(line) for line in lines)
            self.highlighted = min(at, len(lines) - 1) if lines else None
        self._adapters, self._shown = adapters, lines
        self.display = bool(adapters)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.action_ask("use")

    @on(OptionList.OptionHighlighted)
    def _moved(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()  # it is no model

    def action_ask(self, what: str) -> None:
        """Want something with the highlighted adapter."""
        if self.highlighted is not None and self.highlighted < len(self._adapters):
            self.post_message(self.Asked(self._adapters[self.highlighted], what))


class Detail(VerticalScroll):
    """What is shown of one model."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "screen.models_list", "Models", id="models_list", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="detail", classes="framed")
        self._known = Known()
        self._shown = ""

    def compose(self) -> ComposeResult:
        """Its parts below each other."""
        for section in _SECTIONS:
            yield Static(id=f"model-{section}", markup=False)
        yield AdapterRows()

    @property
    def adapters(self) -> AdapterRows:
        """The list of its adapters."""
        return self.query_one(AdapterRows)

    def show(self, known: Known, name: str) -> None:
        """Show a model."""
        if name != self._shown:
            self.scroll_home(animate=False)
        self._known, self._shown = known, name
        self._draw()

    @on(Resize)
    def _draw(self) -> None:
        row = self._known.row(self._shown)
        self.border_title = visible(self._shown)
        self.border_subtitle = "" if row is None else self._state(row)
        width = max(self.scrollable_content_region.width, 10)
        for section, content in self._sections(row, width).items():
            part = self.query_one(f"#model-{section}", Static)
            part.display = bool(content)
            part.update(content)
        self.adapters.show(self._known, self._shown)

    def _sections(self, row: ModelRow | None, width: int) -> Mapping[str, Content]:
        known, pull = self._known, self._known.pulls.get(self._shown)
        if row is None:
            return dict.fromkeys(_SECTIONS, Content(""))
        return {
            "facts": facts.facts(row),
            "pull": Content("") if pull is None else pictures.progress(pull, width),
            "memory": self._memory(row, width),
            "speed": facts.pace(known, row),
        }

    def _state(self, row: ModelRow) -> str:
        said = ["asked now"] if self._known.is_asked(row) else []
        said += ["in memory"] if self._known.is_loaded(row) else []
        return ", ".join(said)

    def _memory(self, row: ModelRow, width: int) -> Content:
        known = self._known
        plans = known.plans.get(row.name, ())
        if not plans:
            return Content("")
        device = next(one for one in known.devices if one.name == plans[0].device)
        parts = [
            facts.verdict(known, row),
            pictures.memory(plans, known.devices, width),
            pictures.legend(device),
        ]
        return Content("\n").join(parts)
