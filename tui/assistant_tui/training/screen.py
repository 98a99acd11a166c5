"""The training screen: runs at the side, one of them or the form of a new one beside them."""

import asyncio
from collections.abc import Iterator
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import ContentSwitcher, Footer, Static

from assistant.errors import AssistantError
from assistant_tui.command_line import answer_of, done
from assistant_tui.controls import visible
from assistant_tui.dialogs import Answer, Choose
from assistant_tui.opening import open_file
from assistant_tui.room import Room
from assistant_tui.status import StatusBar
from assistant_tui.training.beginning import Begun, go_on
from assistant_tui.training.following import Following, Seen
from assistant_tui.training.run_form import RunForm
from assistant_tui.training.run_list import RunList
from assistant_tui.training.run_view import RunView
from assistant_tui.training.runs import Run
from assistant_tui.training.samples import SamplesView

_WELCOME = (
    "A run trains an adapter on what is yours: what you accepted in notes and in the editor, chats,"
    " code and texts. The model then answers and completes more like you do.\n\n"
    "Ctrl+N begins one. Nothing leaves this machine."
)


class TrainingScreen(Room):
    """All training runs of this machine."""

    CSS_PATH = "training.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+n", "new", "New run", id="new_run"),
        Binding("s", "stop", "Stop", id="stop_run"),
        Binding("r", "resume", "Go on", id="resume_run"),
        Binding("u", "use", "Use", id="use_adapter"),
        Binding("o", "report", "Report", id="open_report"),
        Binding("t", "tokens", "Tokens", id="run_tokens"),
        Binding("f4", "app.go('notes')", "Notes", id="notes"),
        Binding("ctrl+b", "list", "Runs", id="runs", show=False),
        Binding("escape", "leave", "Back", id="leave_training", show=False),
    ]
    OFFERED = (
        ("New run", "Train an adapter", "new"),
        ("Stop", "This run; it can go on", "stop"),
        ("Go on", "With this run", "resume"),
        ("Use", "The adapter that was trained", "use"),
        ("Report", "Of this run, in another program", "report"),
        ("Tokens", "What the model sees of the data", "tokens"),
        ("Runs", "Show or hide the list", "list"),
    )

    class WentOn(Message):
        """A process goes on with a run."""

        def __init__(self, begun: Begun) -> None:
            super().__init__()
            self.begun = begun

    class Done(Message):
        """A command has done what it was to do."""

        def __init__(self, told: str) -> None:
            super().__init__()
            self.told = told

    class Failed(Message):
        """A command has said why it could not do something with a run."""

        def __init__(self, name: str, problem: str) -> None:
            super().__init__()
            self.name = name
            self.problem = problem

    class Ended(Message):
        """A process has ended."""

        def __init__(self, begun: Begun, problem: str, *, has_run: bool) -> None:
            super().__init__()
            self.begun = begun
            self.problem = problem
            self.has_run = has_run

    def __init__(self, following: Following) -> None:
        super().__init__()
        self._following = following
        self._seen = Seen()
        self._chosen = ""
        self._begun: Begun | None = None
        """A process whose run was not seen yet."""
        self._is_there = False
        """Whether its parts can be written on."""
        self.stopping = set[str]()
        """The runs that the user stops."""

    def compose(self) -> ComposeResult:
        """All of it."""
        with Horizontal(id="main"):
            yield RunList()
            with ContentSwitcher(initial="nothing", id="training"):
                yield Static(_WELCOME, id="nothing", classes="framed", markup=False)
                yield RunView(id="run", classes="framed")
                yield RunForm()
        yield StatusBar()
        yield Footer()

    def on_mount(self) -> None:
        """Show what is known."""
        self._is_there = True
        self.show(self._seen)

    @property
    def _shown(self) -> Run | None:
        """The run that is chosen."""
        return self._seen.run(self._chosen)

    @property
    def _form(self) -> RunForm:
        return self.query_one(RunForm)

    @property
    def _switch(self) -> ContentSwitcher:
        return self.query_one("#training", ContentSwitcher)

    # What is seen --------------------------------------------------------------------------------

    def show(self, seen: Seen) -> None:
        """Show how the runs stand."""
        self._seen = seen
        if not self._is_there:
            return
        self._meet()
        if self._shown is None and seen.runs:
            self._choose(seen.runs[0].name)
        self._show_runs()
        self.stopping &= {run.name for run in seen.runs if run.state == "under way"}

    def _show_runs(self) -> None:
        run = self._shown
        self.query_one(RunList).show(self._seen, self._chosen)
        if run is not None:
            self.query_one(RunView).show(run, self._seen, stopping=run.name in self.stopping)
        if self._switch.current != "form":
            self._switch.current = "run" if run is not None else "nothing"
        going = sum(run.state == "under way" for run in self._seen.runs)
        self.query_one(StatusBar).show_note(Content(f"{going} under way" if going else ""))
        self.refresh_bindings()

    def _meet(self) -> None:
        """Go to the run that was begun, once its process has made it."""
        begun = self._begun
        made = next((one for one in self._seen.runs if begun and begun.is_of(one)), None)
        if begun is not None and made is not None:
            begun.run, self._begun = made, None
            self._choose(made.name)
            if begun.is_new:
                self._form.is_beginning = False
                self._form.say("")
                self._leave_form()

    def _choose(self, name: str) -> None:
        self._chosen = name
        self._following.show(name)

    @on(RunList.Chosen)
    def _run_chosen(self, event: RunList.Chosen) -> None:
        self._choose(event.name)
        self._leave_form()

    def _leave_form(self) -> None:
        if self._switch.current == "form":
            self._switch.current = "run" if self._shown is not None else "nothing"
            self.query_one(RunList).rows.focus()
        self._show_runs()

    # Processes -----------------------------------------------------------------------------------

    def action_new(self) -> None:
        """Go to the form, which holds what was typed."""
        self._switch.current = "form"
        self._form.begin()
        self.refresh_bindings()

    @on(RunForm.Began)
    @on(WentOn)
    def _began(self, event: RunForm.Began | WentOn) -> None:
        self._begun = event.begun
        self._await_end(event.begun)

    @work(group="processes")
    async def _await_end(self, begun: Begun) -> None:
        problem = await begun.ended()
        run = begun.run
        has_run = run is not None and await asyncio.to_thread(run.folder.exists)
        self.post_message(self.Ended(begun, problem, has_run=has_run))

    @on(Ended)
    def _ended(self, event: Ended) -> None:
        """Say why a process has failed that left no run; what came of others is seen."""
        self._following.ask_again()
        if event.begun is self._begun:
            self._begun = None
            self._form.is_beginning = False
        if event.has_run or not event.problem:
            return
        if event.begun.is_new and self.is_current:
            self.action_new()
        if event.begun.is_new:
            self._form.refuse(event.problem)
        if not event.begun.is_new or not self.is_current:
            self.post_message(self.Failed("", event.problem))

    # Keys at a run -------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be done with the run that is shown has a key."""
        run = self._shown if self._is_there and self._switch.current == "run" else None
        if action == "stop":
            return run is not None and run.state == "under way" and run.name not in self.stopping
        if action == "resume":
            return run is not None and run.state == "interrupted" and self._begun is None
        if action == "use":
            return run is not None and run.result == "adapter"
        if action == "report":
            return run is not None and run.state == "done"
        if action == "tokens":
            return run is not None and bool(run.data)
        return True

    def commands(self) -> Iterator[SystemCommand]:
        """What the palette offers here; at the form, what can be done with that."""
        yield from super().commands()
        if self._switch.current == "form":
            form = self._form
            yield SystemCommand("Plan", "What the run would take", form.action_plan)
            yield SystemCommand("Start", "Begin the run", form.action_start)
            says = "What the model will see of the data"
            yield SystemCommand("Tokens", says, form.action_tokens)

    def action_stop(self) -> None:
        """Stop the run, once the user has said so again."""
        name = self._chosen
        question = f"Stop the training of {name}? What it has learned is kept, and it can go on."
        answers = (Answer("go on", "Let it go on"), Answer("stop", "Stop it"))

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self.stopping.add(name)
                self._show_runs()
                self._stop(name)

        self.app.push_screen(Choose("Stop", visible(question), answers), answered)

    @work(group="stopping")
    async def _stop(self, name: str) -> None:
        try:
            now = await answer_of("finetune", "--stop", name)
        except AssistantError as error:
            self.post_message(self.Failed(name, str(error)))
            return
        if now is None:
            self.post_message(self.Done(f"{name} had not learned anything yet, and is gone."))
        elif now["state"] == "interrupted":
            self.post_message(self.Done(f"{name} is stopped. R goes on with it."))

    def action_resume(self) -> None:
        """Go on with a run that was interrupted."""
        if (run := self._shown) is not None:
            self._resume(run)

    @work(exclusive=True, group="form")
    async def _resume(self, run: Run) -> None:
        try:
            begun = await go_on(run)
        except AssistantError as error:
            self.post_message(self.Failed(run.name, str(error)))
        else:
            self.post_message(self.WentOn(begun))

    def action_use(self) -> None:
        """Make the adapter what editors, notes and chats ask for."""
        if (chosen := self._shown) is not None:
            self._use(chosen)

    @work(group="using")
    async def _use(self, chosen: Run) -> None:
        try:
            await done("adapters", "use", chosen.adapter)
        except AssistantError as error:
            self.post_message(self.Failed(chosen.name, str(error)))
        else:
            told = f"{chosen.adapter} is used from now on, on {chosen.base}."
            self.post_message(self.Done(told))

    def action_report(self) -> None:
        """Open the report in another program."""
        if (run := self._shown) is not None:
            self._open(run)

    @work(thread=True, group="opening")
    def _open(self, shown: Run) -> None:
        try:
            open_file(shown.report)
        except AssistantError as error:
            self.post_message(self.Failed(shown.name, str(error)))

    def action_tokens(self) -> None:
        """Show what the model sees of the run's data."""
        if (run := self._shown) is not None:
            self.app.push_screen(SamplesView(run.data, run.base, ""))

    @on(Done)
    def _done(self, event: Done) -> None:
        self._following.ask_again()
        self.notify(event.told)

    @on(Failed)
    def _failed(self, event: Failed) -> None:
        self.stopping.discard(event.name)
        self._following.ask_again()
        self.notify(event.problem, severity="error", timeout=10)

    def action_list(self) -> None:
        """Show or hide the list."""
        runs = self.query_one(RunList)
        runs.toggle_class("-shown" if self.app.size.width < 60 else "-hidden")
        if runs.display:
            runs.rows.focus()

    async def action_leave(self) -> None:
        """From the form to the run, from the run to the notes."""
        if self._switch.current == "form":
            self._leave_form()
        else:
            await self.app.run_action("go('notes')")
