"""The notes' screen: tree, editor, preview and review, and what joins them."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Footer

from assistant.edit import edited
from assistant_tui.controls import visible
from assistant_tui.model import Model, ModelState
from assistant_tui.notes.changes import edits
from assistant_tui.notes.continuing import Continuing
from assistant_tui.notes.folder import title_of
from assistant_tui.notes.folder_screen import FolderScreen
from assistant_tui.notes.merge import merged
from assistant_tui.notes.pane import NotePane
from assistant_tui.notes.preview import Preview
from assistant_tui.notes.record import Record
from assistant_tui.notes.review import Review
from assistant_tui.notes.tree import NoteTree
from assistant_tui.notes.wish_menu import WishMenu
from assistant_tui.notes.wishes import POLISH, Wish
from assistant_tui.status import StatusBar

if TYPE_CHECKING:
    from collections.abc import Sequence


_SCAN_SECONDS = 4.0
_SAVING = {
    "": ("", ""),
    "saved": ("saved", "$success"),
    "unsaved": ("…", "$foreground 60%"),
    "kept": ("draft kept", "$error"),
    "lost": ("NOT SAVED", "$error bold"),
}


class NotesScreen(FolderScreen):
    """One folder of notes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "polish", "Polish", id="polish"),
        Binding("ctrl+g", "write", "Write …", id="write"),
        Binding("f4", "app.go('chat')", "Chat", id="chat"),
        Binding("ctrl+o", "find", "Open", id="open"),
        Binding("ctrl+f", "search", "Search", id="search"),
        Binding("ctrl+n", "new", "New", id="new"),
        Binding("ctrl+t", "preview", "Preview", id="preview"),
        Binding("ctrl+b", "tree", "Notes", id="tree"),
        Binding("ctrl+l", "suggestions", "Suggestions", id="suggestions", show=False),
        Binding("f2", "rename_note", "Rename", id="rename", show=False),
        Binding("ctrl+s", "save", "Save", id="save", show=False),
        Binding("escape", "back", "Back", show=False),
    ]
    OFFERED = (
        ("Polish", "Correct the paragraph or selection", "polish"),
        ("Write …", "Expand, continue, translate …", "write"),
        ("Open a note", "By its name", "find"),
        ("Search", "In the text of all notes", "search"),
        ("New note", "In this folder", "new"),
        ("Rename", "This note", "rename_note"),
        ("Undelete", "The note deleted last", "restore_note"),
        ("Preview", "Show or hide it", "preview"),
        ("Tree", "Show or hide it", "tree"),
        ("Suggestions on or off", "While you write", "suggestions"),
    )

    def __init__(
        self, root: Path, model: Model, offered: "Sequence[Wish]", note: str | None = None
    ) -> None:
        """`note`, inside the folder, is opened if it is there."""
        super().__init__(root, note)
        self._model = model
        self._offered = offered
        self._asked: Path | None = None
        """The note that was asked about last."""
        self._before: str | None = None
        """The note before a proposal was taken: it is undone when that comes back."""
        self._record = Record(self._tell)
        self.continuing = Continuing(root, model, self._tell)

    def compose(self) -> ComposeResult:
        """All of it."""
        with Horizontal(id="main"):
            yield NoteTree()
            yield NotePane(self.continuing)
            yield Preview()
        yield Review()
        yield StatusBar()
        yield Footer()

    def on_mount(self) -> None:
        """Read the folder."""
        self.query_one(NoteTree).border_title = Content(visible(self.root.name or str(self.root)))
        self.query_one(Review).display = False
        self._show_note(None)
        self.rescan()
        self.set_interval(_SCAN_SECONDS, self.look_again)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._colour())
        self._colour()

    async def finish(self) -> None:
        """Save, and write down what is still to be recorded."""
        await self.pane.finish()
        await asyncio.to_thread(self._record.close)
        await asyncio.to_thread(self.continuing.close)

    # The note --------------------------------------------------------------------------------

    @on(NotePane.Shown)
    def _shown(self, event: NotePane.Shown) -> None:
        self._show_note(event.path)
        review = self.query_one(Review)
        if review.display and event.path != self._asked:
            review.close()  # it was about another note
        self.query_one(NoteTree).remove_class("-shown")
        if event.path is not None:
            self.query_one(NoteTree).reveal(self.note)

    @on(NotePane.Changed)
    def _changed(self) -> None:
        pane = self.pane
        if self._before is not None and pane.editor.note.text == self._before:
            self._record.undone()
            self._before = None
        row, column = pane.editor.selection.end
        said, style = _SAVING[pane.saving]
        said += f" · {pane.problem}" if pane.problem else ""
        words = pane.words
        self.query_one(StatusBar).show_note(
            Content.assemble(
                f"{words:,} word{'s' if words != 1 else ''}",
                (f"   {row + 1}:{column + 1}   ", "$foreground 60%"),
                (said, style),
            )
            if pane.path is not None
            else Content("")
        )
        self.query_one(Preview).show(pane.editor.document.lines, row)

    def _show_note(self, path: Path | None) -> None:
        if path is None:
            self.pane.border_title = "No note is open"
            self.pane.border_subtitle = ""
        else:
            self.pane.border_title = Content(title_of(path.name))
            self.pane.border_subtitle = Content(self.note)
        self._changed()

    def action_save(self) -> None:
        """Save now."""
        self.pane.insist()

    def action_preview(self) -> None:
        """Show or hide the preview."""
        self.query_one(Preview).toggle_class("-hidden")
        self._changed()

    def action_suggestions(self) -> None:
        """Suggest while one writes, or suggest nothing."""
        self.continuing.choice = "off" if self.continuing.is_on else "on"
        self.pane.editor.dismiss()
        self.notify(f"Suggestions are {self.continuing.choice}.")

    def action_tree(self) -> None:
        """Go to the tree, or hide it; where there is little room it is there for one choice."""
        tree = self.query_one(NoteTree)
        if tree.has_focus:
            tree.remove_class("-shown")
            tree.add_class("-hidden")
            self.pane.editor.focus()
        else:
            tree.remove_class("-hidden")
            tree.add_class("-shown")
            tree.focus()

    def action_back(self) -> None:
        """To the proposal that waits, or to the editor."""
        review = self.query_one(Review)
        (review if review.display and not review.has_focus else self.pane.editor).focus()

    # Writing ---------------------------------------------------------------------------------

    def action_polish(self) -> None:
        """Polish the selected words, or the paragraph."""
        self._ask(POLISH, whole=False)

    def action_write(self) -> None:
        """Choose what is to be done."""
        start, end = self.pane.editor.selection
        menu = WishMenu(self._offered, selected=start != end)
        self.app.push_screen(menu, self._chosen_wish)

    def _chosen_wish(self, chosen: tuple[Wish, bool] | None) -> None:
        if chosen is not None:
            self._ask(chosen[0], whole=chosen[1])

    def _ask(self, wish: Wish, *, whole: bool) -> None:
        if self.pane.path is None:
            self.notify("Open a note first.")
            return
        text = self.pane.editor.note.text
        self._asked = self.pane.path
        self.pane.hold_suggestions(True)
        selection = (0, len(text)) if whole else self.pane.editor.offsets
        self.query_one(Review).ask(wish, text, selection, self._model)

    @on(Review.Decided)
    def _decided(self, event: Review.Decided) -> None:
        proposal, pane, review = event.proposal, self.pane, self.query_one(Review)
        wanted = edited(proposal.text, edits(proposal.text, event.decided, event.taken))
        now = merged(proposal.text, pane.editor.note.text, wanted)
        if now is None:
            review.keep_for_reading()
            return
        review.close()
        self._before = pane.editor.note.text
        pane.editor.become(now)
        if pane.path is not None:
            self._record.decided(proposal, event.decided, event.taken, pane.path, self.root)

    @on(Review.Closed)
    def _review_closed(self) -> None:
        self.pane.hold_suggestions(False)
        self.pane.editor.focus()

    @on(Review.Left)
    def _to_editor(self) -> None:
        self.pane.editor.focus()

    # Around it -------------------------------------------------------------------------------

    def show_model(self, state: ModelState) -> None:
        """Say how the model stands."""
        super().show_model(state)
        if self.is_mounted and state.phase == "loading":
            self.query_one(Review).wait_for(state.line)

    def _tell(self, problem: str) -> None:
        self.post_message(self.Trouble(problem))

    def _colour(self) -> None:
        self.pane.editor.use_colours(self.app.theme_variables)
