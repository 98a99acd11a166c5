"""The chat's screen: conversations at the side, one of them open, and the ways to all of it."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Footer

from assistant.errors import AssistantError
from assistant.history import Chat, HistoryError, title_of
from assistant_tui.chat.archive import Archive
from assistant_tui.chat.attaching import attach, choose_file
from assistant_tui.chat.chat_list import ChatList
from assistant_tui.chat.exporting import export, suggested
from assistant_tui.chat.offered import DEFAULT, choose_model, offered, on_this_machine
from assistant_tui.chat.system_text import AskText
from assistant_tui.chat.talk import Talk
from assistant_tui.controls import visible
from assistant_tui.dialogs import AskName
from assistant_tui.model import Model, ModelState
from assistant_tui.notes.finder import Place
from assistant_tui.notes.folder import scan
from assistant_tui.notes.note_file import NoteError
from assistant_tui.room import Room
from assistant_tui.status import StatusBar

Result = TypeVar("Result")


class ChatScreen(Room):
    """All conversations."""

    CSS_PATH = "chat.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "again", "Again", id="again"),
        Binding("f4", "app.go('notes')", "Notes", id="notes"),
        Binding("ctrl+o", "attach", "Attach", id="attach"),
        Binding("ctrl+d", "detach", "Detach", id="detach", show=False),
        Binding("ctrl+t", "model", "Model", id="model"),
        Binding("ctrl+n", "new", "New", id="new_chat"),
        Binding("ctrl+f", "search", "Search", id="search_chats"),
        Binding("ctrl+b", "chats", "Chats", id="chats", show=False),
        Binding("f2", "rename", "Rename", id="rename_chat", show=False),
        Binding("f5", "system", "System", id="system_text", show=False),
        Binding("ctrl+s", "export", "Export", id="export_chat", show=False),
        Binding("escape", "leave", "Stop", id="stop", show=False),
    ]
    OFFERED = (
        ("Ask again", "The last question", "again"),
        ("Attach", "A note or another file", "attach"),
        ("Model", "Of this conversation", "model"),
        ("System prompt", "How the model behaves", "system"),
        ("New conversation", "Keep this one", "new"),
        ("Search", "In all conversations", "search"),
        ("Rename", "This conversation", "rename"),
        ("Export", "As Markdown or ShareGPT", "export"),
        ("Conversations", "Show or hide them", "chats"),
    )

    class Listed(Message):
        """The conversations that were found."""

        def __init__(self, words: str, chats: list[Chat]) -> None:
            super().__init__()
            self.words = words
            self.chats = chats

    def __init__(self, root: Path, model: Model) -> None:
        """`root` is the folder of notes, which can be attached."""
        super().__init__()
        self._root = root
        self._model = model
        self._archive = Archive(lambda problem: self.app.call_from_thread(self._warn, problem))
        self._chats: list[Chat] = []

    def compose(self) -> ComposeResult:
        """All of it."""
        with Horizontal(id="main"):
            yield ChatList()
            yield Talk(self._archive, self._model)
        yield StatusBar()
        yield Footer()

    @property
    def talk(self) -> Talk:
        """The open conversation."""
        return self.query_one(Talk)

    def on_mount(self) -> None:
        """Go on with the conversation that was changed last."""
        self.talk.composer.field.focus()
        self._go_on()

    @work
    async def _go_on(self) -> None:
        if (chats := await self._done(self._archive.find())) is not None:
            await self._done(self.talk.open(chats[0]) if chats else self.talk.begin())
            await self._done(self._archive.forget_old())

    async def finish(self) -> None:
        """Stop what is written, and write down everything."""
        if self.is_mounted:
            await self.talk.finish()
        await self._done(self._archive.forget_thrown())
        await self._archive.aclose()

    # The list ----------------------------------------------------------------------------------

    @on(ChatList.Sought)
    @on(Talk.Changed)
    def _refresh(self) -> None:
        self._title()
        self._look(self.query_one(ChatList).words)

    @work(exclusive=True, group="looking")
    async def _look(self, words: str) -> None:
        if (found := await self._done(self._archive.find(words))) is not None:
            self.post_message(self.Listed(words, found))

    @on(Listed)
    def _listed(self, event: Listed) -> None:
        chats = self.query_one(ChatList)
        if event.words == chats.words:
            self._chats = event.chats
            chats.show(event.chats, self.talk.chat.id, self.talk.writing)

    @on(ChatList.Chosen)
    async def _chosen(self, event: ChatList.Chosen) -> None:
        await self._done(self.talk.open(event.chat))
        self.talk.composer.field.focus()

    @on(ChatList.Thrown)
    async def _thrown(self, event: ChatList.Thrown) -> None:
        chat = event.chat
        if chat.id in self.talk.writing and chat.id == self.talk.chat.id:
            await self.talk.leave()
        await self._done(self._archive.throw(chat))
        if chat.id == self.talk.chat.id:
            await self._done(self.talk.begin())
        self.notify(f"“{chat.title}” is deleted. Ctrl+Z in the list brings it back.", markup=False)
        self._refresh()

    @on(ChatList.BroughtBack)
    async def _brought_back(self) -> None:
        key = await self._done(self._archive.bring_back())
        for chat in await self._done(self._archive.find()) or ():
            if chat.id == key:
                await self._done(self.talk.open(chat))
        self._refresh()

    # Keys --------------------------------------------------------------------------------------

    def action_again(self) -> None:
        """Have the question answered again."""
        self.talk.again()

    async def action_leave(self) -> None:
        """Stop the answer, or leave what is edited, or go to the question."""
        if not await self.talk.leave():
            self.talk.composer.field.focus()

    async def action_new(self) -> None:
        """Begin another conversation."""
        await self._done(self.talk.begin())
        self.talk.composer.field.focus()

    def action_search(self) -> None:
        """Look for words in all conversations."""
        chats = self.query_one(ChatList)
        chats.remove_class("-hidden")
        chats.seek()

    def action_chats(self) -> None:
        """Show or hide the list."""
        chats = self.query_one(ChatList)
        chats.toggle_class("-hidden")
        if chats.has_class("-hidden"):
            self.talk.composer.field.focus()

    def action_rename(self) -> None:
        """Give the conversation another title."""
        chat = self.talk.chat
        dialog = AskName("Rename", "What the conversation is about.", chat.title)
        self.app.push_screen(dialog, lambda title: self._rename(chat, title))

    async def _rename(self, chat: Chat, title: str | None) -> None:
        if title is not None:
            await self._changed(chat.id, lambda now: replace(now, title=title_of(title)))

    def action_system(self) -> None:
        """Say how the model should behave in this conversation."""
        chat = self.talk.chat
        hint = "How the model should behave here. Esc keeps it."
        dialog = AskText("System prompt", hint, chat.system)
        self.app.push_screen(dialog, lambda text: self._instruct(chat, text))

    async def _instruct(self, chat: Chat, text: str | None) -> None:
        if text is not None:
            await self._changed(chat.id, lambda now: replace(now, system=text.strip()))

    @work(exclusive=True, group="offering")
    async def action_model(self) -> None:
        """Choose the model, or an adapter, for this conversation."""
        try:
            names = await offered(self._model)
        except AssistantError:
            names = on_this_machine()
        chat = self.talk.chat
        dialog = choose_model(names, chat.model)
        self.app.push_screen(dialog, lambda name: self._choose(chat, name))

    async def _choose(self, chat: Chat, name: str | None) -> None:
        if name is not None:
            model = "" if name == DEFAULT else name
            await self._changed(chat.id, lambda now: replace(now, model=model))

    async def _changed(self, key: str, change: Callable[[Chat], Chat]) -> None:
        """Change the conversation that was open when the dialog was."""
        await self._done(self.talk.change(key, change))

    def action_attach(self, begin: str = "") -> None:
        """Send a note or another file along with the question."""
        finder = choose_file(self._root, lambda: _notes(self._root), begin)
        self.app.push_screen(finder, self._attach_file)

    async def _attach_file(self, place: Place | None) -> None:
        if place is None:
            return
        if place.note.endswith("/"):
            self.action_attach(place.note)
            return
        self._read(Path(place.note))

    @work(thread=True, group="attaching")
    def _read(self, path: Path) -> None:
        try:
            found = attach(path)
        except AssistantError as error:
            self.app.call_from_thread(self._warn, str(error))
            return
        self.app.call_from_thread(self.talk.attach, found)

    def action_detach(self) -> None:
        """Take the last file away."""
        self.talk.detach()

    def action_export(self) -> None:
        """Write the branch that is shown to a file."""
        chat, path = self.talk.chat, self.talk.path
        if not path:
            self.notify("Nothing was said here yet.")
            return
        hint = "A new file: .md for Markdown, .json for ShareGPT, to train on."
        dialog = AskName("Export", hint, suggested(chat))

        def chosen(name: str | None) -> None:
            if name is not None:
                self._export(chat, name)

        self.app.push_screen(dialog, chosen)

    @work(thread=True, group="exporting")
    def _export(self, chat: Chat, name: str) -> None:
        try:
            file = export(chat, self.talk.path, name)
        except AssistantError as error:
            self.app.call_from_thread(self._warn, str(error))
            return
        self.app.call_from_thread(self.notify, f"It is in {file}.", markup=False)

    # Around it ---------------------------------------------------------------------------------

    def show_model(self, state: ModelState) -> None:
        """Say how the model stands."""
        super().show_model(state)
        if self.is_mounted:
            self.talk.show_model(state)

    def _title(self) -> None:
        talk = self.talk
        talk.border_title = visible(talk.chat.title)
        talk.border_subtitle = visible(talk.chat.model)
        count, branches = len(talk.path), len(talk.branches.leaves)
        parts = [f"{count} turn{'s' if count != 1 else ''}"] if count else []
        parts += [f"{branches} branches"] if branches > 1 else []
        parts += ["system prompt"] if talk.chat.system else []
        self.query_one(StatusBar).show_note(Content("   ".join(parts)))

    async def _done(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        """Wait for something; None where the user was told why it cannot be done."""
        try:
            return await work
        except HistoryError as error:
            self._warn(str(error))
            return None

    def _warn(self, problem: str) -> None:
        self.notify(problem, severity="error", timeout=10, markup=False)


def _notes(root: Path) -> tuple[str, ...]:
    try:
        return scan(root).notes
    except NoteError:
        return ()
