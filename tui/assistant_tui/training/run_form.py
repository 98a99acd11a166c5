"""The form that begins a run: what is empty is left to the command."""

from collections.abc import Mapping
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Label, Static

from assistant.errors import AssistantError
from assistant_tui.command_line import answer_of
from assistant_tui.controls import visible
from assistant_tui.training.beginning import Begun, begin_run
from assistant_tui.training.plan_view import PlanView
from assistant_tui.training.samples import SamplesView
from assistant_tui.training.wanted import BASE, DATA, LENGTH, SETTINGS, arguments, sources

_NO_DATA = "say what to learn from: `history`, files, folders or owner/name"


class RunForm(VerticalScroll):
    """Keeps what is typed until a run has come of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", id="start_run"),
        Binding("f5", "plan", "Plan", id="plan_run"),
        Binding("ctrl+t", "tokens", "Tokens", id="sample_tokens"),
        # At once, or what is typed next would still go into the line before.
        Binding("down", "app.focus_next", show=False, priority=True),
        Binding("up", "app.focus_previous", show=False, priority=True),
    ]

    class Planned(Message):
        """The plan for what is typed."""

        def __init__(self, plan: Mapping[str, Any]) -> None:
            super().__init__()
            self.plan = plan

    class Began(Message):
        """The process of a new run has begun."""

        def __init__(self, begun: Begun) -> None:
            super().__init__()
            self.begun = begun

    class Refused(Message):
        """What is typed cannot be done."""

        def __init__(self, problem: str) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self) -> None:
        super().__init__(id="form", classes="framed", can_focus=False)
        self.is_beginning = False
        """Whether a run was begun that was not seen yet."""
        self.border_title = "New run"

    def compose(self) -> ComposeResult:
        """A line for each setting, what is wrong with them, and the plan."""
        for setting in SETTINGS:
            with Horizontal(classes="setting"):
                yield Label(setting.label)
                yield Input(placeholder=setting.hint, id=f"setting-{setting.key}", compact=True)
        yield Static(id="told", markup=False)
        yield PlanView(id="plan")

    def on_mount(self) -> None:
        """There is no plan yet."""
        self.query_one(PlanView).show(None)

    @property
    def typed(self) -> dict[str, str]:
        """What stands in the lines, by the keys of SETTINGS."""
        return {one.key: self._line(one.key).value.strip() for one in SETTINGS}

    def begin(self) -> None:
        """Go to the line that has to be filled in."""
        self._line(DATA).focus()

    def say(self, line: str, style: str = "$warning") -> None:
        """Say what goes on, or what is wrong."""
        told = self.query_one("#told", Static)
        told.update(Content.styled(visible(line), style))
        told.display = bool(line)
        if line:
            self.call_after_refresh(told.scroll_visible, animate=False)

    def refuse(self, problem: str) -> None:
        """Say why it cannot be done."""
        self.is_beginning = False
        self.say(f"✗ {problem}", "$error")

    @on(Input.Changed)
    def _changed(self) -> None:
        self.query_one(PlanView).show(None)  # it was of something else
        if not self.is_beginning:
            self.say("")

    @on(Input.Submitted)
    def action_plan(self) -> None:
        """Ask what it would take."""
        if not self.is_beginning:
            self.say("● reckoning …")
            self._plan(self.typed)

    @work(exclusive=True, group="form")
    async def _plan(self, typed: Mapping[str, str]) -> None:
        try:
            plan = await answer_of("finetune", *arguments(typed), "--plan")
        except AssistantError as error:
            self.post_message(self.Refused(str(error)))
        else:
            self.post_message(self.Planned(plan))

    @on(Planned)
    def _planned(self, event: Planned) -> None:
        self.say("")
        view = self.query_one(PlanView)
        view.show(event.plan)
        self.call_after_refresh(view.scroll_visible, animate=False)

    def action_start(self) -> None:
        """Begin the run."""
        if not self.typed[DATA]:
            self.refuse(_NO_DATA)
        elif not self.is_beginning:
            self.is_beginning = True
            self.say("● beginning: loading what it needs, reading data …")
            self._start(self.typed)

    @work(exclusive=True, group="form")
    async def _start(self, typed: Mapping[str, str]) -> None:
        try:
            begun = await begin_run(arguments(typed))
        except AssistantError as error:
            self.post_message(self.Refused(str(error)))
        else:
            self.post_message(self.Began(begun))

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        self.refuse(event.problem)

    def action_tokens(self) -> None:
        """Show what the model will see of the data."""
        typed = self.typed
        try:
            named = sources(typed[DATA])
        except AssistantError as error:
            self.refuse(str(error))
            return
        if named:
            self.app.push_screen(SamplesView(named, typed[BASE], typed[LENGTH]))
        else:
            self.refuse(_NO_DATA)

    def _line(self, key: str) -> Input:
        return self.query_one(f"#setting-{key}", Input)
