"""The folder as a tree. Closed folders hold nothing, so that ten thousand notes are quick."""

from collections import defaultdict, deque
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from assistant_tui.notes.folder import Listing, title_of

_AT_ONCE = 400
"""Nodes, which take some 30 ms to make."""
_MOMENT_SECONDS = 0.02


class NoteTree(Tree[str]):
    """Notes and folders by their paths inside the root; a folder's ends with `/`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "screen.rename_note", "Rename", id="rename"),
        Binding("delete", "screen.delete_note", "Delete", id="delete"),
        Binding("ctrl+z", "screen.restore_note", "Undelete", id="undelete"),
    ]

    class Chosen(Message):
        """A note is to be opened."""

        def __init__(self, note: str) -> None:
            super().__init__()
            self.note = note

    def __init__(self) -> None:
        super().__init__("", data="", id="tree")
        self.show_root = False
        self.guide_depth = 2
        self._listing = Listing()
        self._below: dict[str, list[str]] = {}
        self._known: dict[str, TreeNode[str]] = {"": self.root}
        """What has a node: the root, and all that is in a folder that was opened once."""
        self._opened = {""}
        self._coming: deque[tuple[TreeNode[str], int, str]] = deque()
        """Nodes that are still to be made, each at its place."""
        self._shown = ""

    @property
    def note(self) -> str | None:
        """The note under the cursor."""
        node = self.cursor_node
        return node.data if node is not None and node.data and node.data[-1] != "/" else None

    @property
    def inside(self) -> str:
        """The folder that the cursor is in, ending in `/`, or empty for the root."""
        data = self.cursor_node.data if self.cursor_node is not None else ""
        return (data or "")[: (data or "").rfind("/") + 1]

    def get_label_width(self, node: TreeNode[str]) -> int:
        """The cells of a node's name and mark; asked of all nodes whenever one changes."""
        return cell_len(str(node.label)) + 2 * node.allow_expand

    def show(self, listing: Listing) -> None:
        """Show what is in the folder now; what is open stays open."""
        if listing == self._listing:
            return
        awaited = self._shown not in self._known
        self._listing = listing
        self._below = _children(listing)
        self._coming.clear()
        for folder in sorted(self._opened):
            if folder in self._known:
                self._fill(folder)
        self.root.expand()
        self._make_some()
        if awaited:
            self.reveal(self._shown)

    def reveal(self, note: str) -> None:
        """Put the cursor on a note, and open the folders that it is in."""
        self._shown = note
        parts = note.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth]) + "/"
            if folder not in self._known:
                self._make_all()
            if (node := self._known.get(folder)) is None:
                return
            self._open(folder)
            node.expand()
        if note not in self._known:
            self._make_all()
        if (node := self._known.get(note)) is not None:
            self.call_after_refresh(self.move_cursor, node)  # then it has its line

    @on(Tree.NodeExpanded)
    def _expanded(self, event: "Tree.NodeExpanded[str]") -> None:
        event.stop()
        folder = event.node.data or ""
        if folder in self._known:  # else it has gone meanwhile
            self._open(folder)
            self._make_some()

    @on(Tree.NodeSelected)
    def _selected(self, event: "Tree.NodeSelected[str]") -> None:
        event.stop()
        data = event.node.data
        if data and not data.endswith("/"):
            self.post_message(self.Chosen(data))

    def _open(self, folder: str) -> None:
        """Make the nodes of a folder, unless it has them."""
        if folder not in self._opened:
            self._opened.add(folder)
            self._fill(folder)

    def _fill(self, folder: str) -> None:
        """Take away the nodes of what has gone, and have those made that are missing."""
        node, wanted = self._known[folder], self._below.get(folder, [])
        stays = set(wanted)
        for child in [child for child in node.children if child.data not in stays]:
            self._forget(child)
        missing = enumerate(wanted)
        self._coming.extend((node, at, path) for at, path in missing if path not in self._known)

    def _make_some(self) -> None:
        """Make some nodes, and more in a moment: a key that comes meanwhile does not wait."""
        for _ in range(min(_AT_ONCE, len(self._coming))):
            self._make(*self._coming.popleft())
        if self._coming:
            self.set_timer(_MOMENT_SECONDS, self._make_some)

    def _make_all(self) -> None:
        while self._coming:
            self._make(*self._coming.popleft())

    def _make(self, parent: TreeNode[str], place: int, path: str) -> None:
        name = path[:-1].rpartition("/")[2] if path.endswith("/") else title_of(path)
        before = place if place < len(parent.children) else None
        self._known[path] = parent.add(
            Text(name), data=path, before=before, allow_expand=path.endswith("/")
        )

    def _forget(self, node: TreeNode[str]) -> None:
        """Remove a node and all below it."""
        path = node.data or ""
        node.remove()
        below = [one for one in self._known if one.startswith(path)] if path.endswith("/") else []
        for known in (path, *below):
            self._known.pop(known, None)
            self._opened.discard(known)


def _children(listing: Listing) -> dict[str, list[str]]:
    """What stands in each folder: its folders, whose paths end with `/`, then its notes."""
    below: dict[str, list[str]] = defaultdict(list)
    for folder in listing.folders:
        below[folder[: folder.rfind("/") + 1]].append(f"{folder}/")
    for note in listing.notes:
        below[note[: note.rfind("/") + 1]].append(note)
    return below
