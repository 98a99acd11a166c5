"""The models' screen: which there are, what fits, and which of them is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer

from assistant.config import load_settings
from assistant.errors import AssistantError
from assistant_tui.dialogs import Answer, Choose
from assistant_tui.model import Model, ModelState
from assistant_tui.models import reading
from assistant_tui.models.commands import Commands
from assistant_tui.models.detail import AdapterRows, Detail
from assistant_tui.models.facts import download
from assistant_tui.models.known import Change, Known
from assistant_tui.models.model_list import ModelList
from assistant_tui.models.pulling import Pulls
from assistant_tui.models.rows import AdapterRow, ModelRow, Pull
from assistant_tui.room import Room
from assistant_tui.status import StatusBar


class ModelsScreen(Room):
    """All models that are known."""

    CSS_PATH = "models.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pull", "Pull", id="pull"),
        Binding("s", "stop_pull", "Stop", id="stop_pull"),
        Binding("u", "unload", "Unload", id="unload"),
        Binding("m", "measure", "Measure", id="measure"),
        Binding("f4", "app.go('notes')", "Notes", id="notes"),
        Binding("ctrl+f", "search", "Search", id="search_models"),
        Binding("delete", "remove_model", "Delete", id="remove_model", show=False),
        Binding("escape", "leave", "Back", id="leave_models", show=False),
    ]
    OFFERED = (
        ("Use", "Ask this model from now on", "use"),
        ("Pull", "Fetch it, or go on with it", "pull"),
        ("Stop", "The pull of this model", "stop_pull"),
        ("Unload", "Free the model's memory", "unload"),
        ("Measure", "This model's speed here", "measure"),
        ("Delete", "This model's weights", "remove_model"),
        ("Search", "For models by name", "search"),
    )

    class Learned(Message):
        """Something else is known."""

        def __init__(self, change: Change) -> None:
            super().__init__()
            self.change = change

    def __init__(self, model: Model, commands: Commands | None = None) -> None:
        """`commands` are the assistant's own where none are given."""
        super().__init__()
        self._model = model
        self._commands = commands if commands is not None else Commands()
        self._pulls = Pulls(self._commands, self._pulled)
        self._known = Known()

    def compose(self) -> ComposeResult:
        """All of it."""
        with Horizontal(id="main"):
            yield ModelList()
            yield Detail()
        yield StatusBar()
        yield Footer()

    @property
    def models(self) -> ModelList:
        """The models at the side."""
        return self.query_one(ModelList)

    def on_mount(self) -> None:
        """Begin in the list."""
        self.models.rows.focus()

    def enter(self) -> None:
        """Read what may have changed while nobody looked."""
        self._read()
        self._ask_server()

    async def finish(self) -> None:
        """Stop what is being pulled; the next pull goes on with it."""
        await self._pulls.finish()

    # What is known -----------------------------------------------------------------------------

    @work(exclusive=True, group="reading")
    async def _read(self) -> None:
        try:
            async for change in reading.read(self._commands):
                self._learn(change)
        except AssistantError as error:
            self._warn(str(error))

    @work(exclusive=True, group="serving")
    async def _ask_server(self) -> None:
        self._learn(await reading.ask(self._model))

    def _learn(self, change: Change) -> None:
        self.post_message(self.Learned(change))

    @on(Learned)
    def _learned(self, event: Learned) -> None:
        self._known = event.change(self._known)
        self.models.show(self._known)
        self._show_detail()

    @on(ModelList.Shown)
    def _show_detail(self) -> None:
        self.query_one(Detail).show(self._known, self.models.highlighted)
        here = sum(bool(row.here) for row in self._known.rows)
        count = len(self._known.rows)
        line = f"{here} of {count} models here" if count else "reading …"
        self.query_one(StatusBar).show_note(Content(line))

    @property
    def _row(self) -> ModelRow | None:
        return self._known.row(self.models.highlighted)

    # Use and free ------------------------------------------------------------------------------

    @on(ModelList.Chosen)
    def _chosen(self, event: ModelList.Chosen) -> None:
        row = self._known.row(event.name)
        if row is None:
            return
        if not row.here:
            self.action_pull()
        elif len(row.names) == 1:
            self._use(row.names[0])
        else:
            answers = [Answer(name, name) for name in row.names]
            dialog = Choose("Use", "Both variants are here. Which is to be asked?", answers)
            self.app.push_screen(dialog, self._use_if)

    def action_use(self) -> None:
        """Ask the highlighted model from now on."""
        self.models.rows.action_select()

    def _use_if(self, name: str | None) -> None:
        if name is not None:
            self._use(name)

    @work(group="using")
    async def _use(self, name: str) -> None:
        await self._done(lambda: self._model.use(name), f"{name} is asked from now on.")
        self._ask_server()

    @work(group="using")
    async def action_unload(self) -> None:
        """Free the memory that the server's model takes."""
        said = "Its memory is free. The next question loads the model again."
        await self._done(self._model.unload, said)
        self._ask_server()

    # Fetch, measure, delete --------------------------------------------------------------------

    def action_pull(self) -> None:
        """Fetch the model, or go on with it; ask which variant where there are two."""
        row = self._row
        if row is None:
            return
        begun = self._known.pulls.get(row.name)
        missing = row.missing
        if not missing:
            self.notify(f"All of {row.name} is on this machine.")
        elif begun is not None:
            self._pulls.start(row.name, begun.variant)
        elif len(missing) == 1 or row.interrupted:
            self._pulls.start(row.name, missing[0])
        else:
            answers = [Answer(variant, download(row, variant)) for variant in missing]
            dialog = Choose("Pull", f"Which weights of {row.name}?", answers)
            self.app.push_screen(dialog, lambda variant: self._pull_if(row.name, variant))

    def _pull_if(self, name: str, variant: str | None) -> None:
        if variant is not None:
            self._pulls.start(name, variant)

    def action_stop_pull(self) -> None:
        """Stop fetching; what is here stays."""
        if not self._pulls.stop(self.models.highlighted):
            self.notify("Nothing is being pulled here.")

    def _pulled(self, pull: Pull, whole: bool) -> None:
        self._learn(lambda known: known.pulled(pull, whole=whole))
        if whole:
            self.notify(f"{pull.name} is here.")
            self._read()

    @work(exclusive=True, group="measuring")
    async def action_measure(self) -> None:
        """Take the time of the model's own widths on this machine."""
        row = self._row
        if row is None:
            return
        self._learn(lambda known: replace(known, measuring=row.name))
        try:
            self._learn(await reading.measure(self._commands, row.name))
        except AssistantError as error:
            self._warn(str(error))
        self._learn(lambda known: replace(known, measuring=""))

    def action_remove_model(self) -> None:
        """Delete the model's weights, asked first."""
        row = self._row
        if row is None or not (row.here or row.interrupted):
            return
        if self._known.is_asked(row):
            self._warn(f"{row.name} is asked now: use another one first.")
            return
        question = f"Delete the weights of {row.name} from this machine?"
        self._ask("Delete", question, lambda: self._commands.remove(row.name))

    # Adapters ----------------------------------------------------------------------------------

    @on(AdapterRows.Asked)
    def _adapter_asked(self, event: AdapterRows.Asked) -> None:
        adapter, row = event.adapter, self._row
        if row is None:
            return
        if event.what in ("use", "none"):
            self._use_adapter(row, adapter if event.what == "use" else None)
        elif event.what == "back":
            self._run(lambda: self._commands.change_adapter("rollback", adapter.name))
        else:
            question = f"Delete the adapter {adapter.name} and the runs that made it?"
            remove = ("rm", adapter.name, "--yes")
            self._ask("Delete", question, lambda: self._commands.change_adapter(*remove))

    @work(group="using")
    async def _use_adapter(self, row: ModelRow, adapter: AdapterRow | None) -> None:
        """Write it into the settings, and ask it from now on."""
        wish = ("use", adapter.name) if adapter is not None else ("use", "--none")
        if await self._done(lambda: self._commands.change_adapter(*wish)):
            name = f"{row.name}:{adapter.name}" if adapter is not None else row.name
            await self._done(lambda: self._ask_for(name))
        self._read()
        self._ask_server()

    async def _ask_for(self, name: str) -> None:
        await self._model.use(name)
        _, card = await self._model.loaded()
        if card.full_name != name:
            # The server began with an adapter of the settings, which its plain name stands for.
            await self._model.follow(await asyncio.to_thread(load_settings))

    # Around it ---------------------------------------------------------------------------------

    def show_model(self, state: ModelState) -> None:
        """Say how the model stands."""
        super().show_model(state)
        if self.is_mounted and state.phase != "loading":
            self._ask_server()

    def action_search(self) -> None:
        """Look for models by parts of their names."""
        self.remove_class("-details")
        self.models.seek()

    def action_details(self) -> None:
        """Go to the details."""
        self.add_class("-details")
        self.query_one(Detail).focus()

    def action_models_list(self) -> None:
        """Go to the list."""
        self.remove_class("-details")
        self.models.rows.focus()

    async def action_leave(self) -> None:
        """To the list, and from there to the notes."""
        if self.models.rows.has_focus:
            await self.run_action("app.go('notes')")
        else:
            self.action_models_list()

    def _ask(self, title: str, question: str, command: Callable[[], Awaitable[str]]) -> None:
        """Run a command if the user says so."""
        answers = (Answer("no", "Keep it"), Answer("yes", "Delete it"))

        def answered(answer: str | None) -> None:
            if answer == "yes":
                self._run(command)

        self.app.push_screen(Choose(title, question, answers), answered)

    @work(group="changing")
    async def _run(self, command: Callable[[], Awaitable[str]]) -> None:
        """Run a command, say what it says, and look at what it has changed."""
        await self._done(command)
        self._read()
        self._ask_server()

    async def _done(self, work: Callable[[], Awaitable[str | None]], said: str = "") -> bool:
        """Whether something was done; the user is told that, or why not."""
        try:
            told = await work()
        except AssistantError as error:
            self._warn(str(error))
            return False
        if line := said or told:
            self.notify(line)
        return True

    def _warn(self, problem: str) -> None:
        self.notify(problem, severity="error", timeout=10, markup=False)
