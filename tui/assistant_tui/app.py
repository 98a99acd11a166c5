"""The app: settings, themes, keys, the model, and the screens.

The notes are there at once; another room is imported and made when the user first goes to it, so
that nobody waits for all of them at the start.
"""

import gc
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import ModalScreen, Screen

from assistant.errors import UsageError
from assistant_tui.controls import visible
from assistant_tui.dialogs import Answer, Choose
from assistant_tui.keys import keymap
from assistant_tui.model import Model, ModelState
from assistant_tui.notes.pane import NotePane
from assistant_tui.notes.preview import Preview
from assistant_tui.notes.screen import NotesScreen
from assistant_tui.notes.tree import NoteTree
from assistant_tui.notes.wishes import wishes
from assistant_tui.remembered import Remembered, recall, remember
from assistant_tui.room import Room
from assistant_tui.themes import INK, PAPER, theme_for

if TYPE_CHECKING:
    from assistant.config import Settings
    from assistant_tui.chat.screen import ChatScreen
    from assistant_tui.evaluation.screen import EvaluationScreen
    from assistant_tui.models.screen import ModelsScreen
    from assistant_tui.training.following import Following, Seen
    from assistant_tui.training.screen import TrainingScreen

_Made = TypeVar("_Made", bound=Room)
_ROOMS = {
    "notes": ("Notes", "Back to them"),
    "chat": ("Chat", "Talk with the model"),
    "models": ("Models", "Which are here, and which fit"),
    "training": ("Training", "Runs, and new ones"),
    "evaluation": ("Evaluations", "Scores, and why"),
}
"""What the palette calls them, and what for."""
_NO_USE = ("Maximize", "Minimize")
"""Commands of Textual's that would take a part of the screen out of what it belongs to."""


class AssistantApp(App[None]):
    """The terminal home."""

    TITLE = "assistant"
    CSS_PATH = "app.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-small"), (100, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", id="quit", show=False, priority=True),
        Binding("f6", "go('models')", "Models", id="models"),
        Binding("f7", "go('training')", "Training", id="training"),
        Binding("f8", "go('evaluation')", "Evaluations", id="evaluation"),
    ]

    class ModelChanged(Message):
        """How the model stands."""

        def __init__(self, state: ModelState) -> None:
            super().__init__()
            self.state = state

    class RunsSeen(Message):
        """How the training runs stand."""

        def __init__(self, seen: "Seen") -> None:
            super().__init__()
            self.seen = seen

    def __init__(self, root: Path, settings: "Settings", state: Remembered | None = None) -> None:
        """`root` is the folder of notes; `state` is what is remembered. Raises UsageError."""
        super().__init__()
        self._remembered = state if state is not None else recall()
        self.register_theme(INK)
        self.register_theme(PAPER)
        self.model = Model(settings, lambda state: self._tell(state))
        note = self._remembered.note if self._remembered.folder == str(root) else None
        self.notes = NotesScreen(root, self.model, wishes(settings.instructions), note)
        self.notes.continuing.choice = self._remembered.suggestions
        self.rooms: dict[str, Room] = {"notes": self.notes}
        """Those that are made by now, by their names."""
        self._seen: Seen | None = None
        self._model_state: ModelState | None = None
        self._finished = False
        self.set_keymap(keymap(settings.keys))

    def on_mount(self) -> None:
        """Show the notes; the model is loaded behind them."""
        self.theme = theme_for(
            self._remembered.theme, self.console.color_system, self.available_themes
        )
        self.install_screen(self.notes, "notes")
        self.push_screen(self.notes)
        self.call_after_refresh(self._begin)

    # Rooms -----------------------------------------------------------------------------------

    @cached_property
    def chat(self) -> "ChatScreen":
        """Conversations with the model."""
        from assistant_tui.chat.screen import ChatScreen

        return self._made("chat", ChatScreen(self.notes.root, self.model))

    @cached_property
    def models(self) -> "ModelsScreen":
        """The models of this machine."""
        from assistant_tui.models.screen import ModelsScreen

        return self._made("models", ModelsScreen(self.model))

    @cached_property
    def training(self) -> "TrainingScreen":
        """Training runs."""
        from assistant_tui.training.screen import TrainingScreen

        room = self._made("training", TrainingScreen(self.runs))
        if self._seen is not None:
            room.show(self._seen)
        return room

    @cached_property
    def evaluation(self) -> "EvaluationScreen":
        """Evaluations, compared and diagnosed."""
        from assistant_tui.evaluation.screen import EvaluationScreen

        return self._made("evaluation", EvaluationScreen())

    @cached_property
    def runs(self) -> "Following":
        """The training runs, followed wherever the user is."""
        from assistant_tui.training.following import Following

        return Following(lambda seen: self.post_message(self.RunsSeen(seen)))

    def _made(self, name: str, room: _Made) -> _Made:
        self.install_screen(room, name)
        self.rooms[name] = room
        return room

    # What goes on ----------------------------------------------------------------------------

    def _begin(self) -> None:
        self.notes.query_one(NoteTree).set_class(not self._remembered.tree, "-hidden")
        self.notes.query_one(Preview).set_class(not self._remembered.preview, "-hidden")
        self.model.begin()
        self.runs.begin()

    def _tell(self, state: ModelState) -> None:
        self.post_message(self.ModelChanged(state))

    @on(NotePane.Shown)
    def _shown(self) -> None:
        self._remember(self._state)  # a process that is killed finds its note again, too

    @on(ModelChanged)
    def _model_changed(self, event: ModelChanged) -> None:
        self._model_state = event.state
        for room in self.rooms.values():
            room.show_model(event.state)
        if event.state.phase != "loading":
            # What is imported by now stays. Python would look through it for garbage once in a
            # while, and a key that comes then would wait for some tenths of a second.
            gc.freeze()
        if event.state.phase == "failed":
            self.notify(event.state.line, title="No model", severity="warning")

    @on(RunsSeen)
    def _runs_seen(self, event: RunsSeen) -> None:
        from assistant_tui.training import news

        before, self._seen = self._seen, event.seen
        stopping = self.training.stopping if "training" in self.rooms else ()
        for one in news.between(before, event.seen, stopping):
            self.notify(one.text, title="Training", severity=one.severity, timeout=10)
        if "training" in self.rooms:
            self.training.show(event.seen)

    def notify(self, message: str, **options: Any) -> None:
        """Tell the user; what others have written is shown, and does nothing else."""
        super().notify(visible(message), **{**options, "markup": False})

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers beside the keys."""
        yield from (one for one in super().get_system_commands(screen) if one.title not in _NO_USE)
        if isinstance(screen, Room):
            for name, (title, says) in _ROOMS.items():
                if self.rooms.get(name) is not screen:
                    yield SystemCommand(title, says, partial(self.action_go, name))
            yield from screen.commands()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nobody is shown the key to where they are."""
        return action != "go" or self.rooms.get(str(parameters[0])) is not self.screen

    async def action_go(self, name: str) -> None:
        """To another room: one at a time is open before the notes."""
        if isinstance(self.screen, ModalScreen):
            return
        room: Room = getattr(self, name)
        if self.screen is not self.notes:
            await self.pop_screen()
        if room is not self.notes:
            await self.push_screen(room)
        if self._model_state is not None:
            room.show_model(self._model_state)
        room.enter()

    async def action_quit(self) -> None:
        """Save and end; ask before anything would be lost."""
        if await self.notes.pane.settle():
            await self._end()
            return
        question = f"This note cannot be saved anywhere: {self.notes.pane.problem}."
        answers = (Answer("stay", "Stay"), Answer("quit", "Quit, and lose what is not saved"))
        self.push_screen(Choose("Not saved", question, answers), self._end_if)

    async def _end_if(self, answer: str | None) -> None:
        if answer == "quit":
            await self._end()

    async def _end(self) -> None:
        await self._finish()
        self.exit()

    async def on_exit_app(self) -> None:
        """Save where something else ends it, such as a browser's tab that is closed."""
        await self._finish()

    async def _finish(self) -> None:
        """Write down everything, once."""
        if not self._finished:
            self._finished = True
            remember(self._state)
            for room in self.rooms.values():
                await room.finish()
            await self.runs.aclose()
            await self.model.aclose()

    @property
    def _state(self) -> Remembered:
        """How it looks now."""
        notes = self.notes
        return Remembered(
            folder=str(notes.root),
            note=notes.note,
            theme=self.theme,
            tree=not notes.query_one(NoteTree).has_class("-hidden"),
            preview=not notes.query_one(Preview).has_class("-hidden"),
            suggestions=notes.continuing.choice,
        )

    @work(thread=True, exclusive=True, group="remember")
    def _remember(self, state: Remembered) -> None:
        remember(state)


def notes_folder(named: Path | None) -> tuple[Path, str | None] | None:
    """The folder to open, and a note in it: those that are named, or the folder that was last.

    None where nothing is named and nothing is known. Raises UsageError where there is none.
    """
    if named is None:
        last = recall().folder
        return (Path(last), None) if last and Path(last).is_dir() else None
    path = named.expanduser().absolute()
    if path.is_file():
        return path.parent, path.name
    if not path.is_dir():
        raise UsageError(f"{path} is no folder: name one that holds your notes")
    return path, None


def run(named: Path | None, settings: "Settings") -> None:
    """Run the app until the user ends it. Raises UsageError for what is named or set wrong."""
    found = notes_folder(named)
    if found is None:
        from assistant_tui.first_start import FirstStart, made

        chosen = FirstStart().run()
        if chosen is None:
            return
        found = made(chosen), None
    root, note = found
    state = recall()
    if note is not None:
        state = replace(state, folder=str(root), note=note)
    AssistantApp(root, settings, state).run()
