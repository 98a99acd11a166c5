"""OpenAssistant's messages one by one, put together to trees as they come."""

from collections.abc import Iterator

from assistant_finetune.data.examples import Chat
from assistant_finetune.data.forms import oasst
from assistant_finetune.data.forms.fields import FormError
from assistant_finetune.data.forms.oasst import Node, Paths
from assistant_finetune.data.journal import Journal, Rejected
from assistant_finetune.data.reading.record import Record


class TreeBuilder:
    """Holds the messages of one tree at a time: those of a tree stand in a row."""

    def __init__(self, paths: Paths, journal: Journal) -> None:
        self._paths = paths
        self._journal = journal
        self._tree: str | None = None
        self._rows: dict[str, tuple[Record, Node | None]] = {}
        self._done: set[int] = set()
        """Hashes of the names of trees that are finished."""

    def add(self, record: Record) -> Iterator[Chat]:
        """Take in a message; gives the conversations of the tree before it, once it is whole."""
        tree, key = record.value.get("message_tree_id"), record.value.get("message_id")
        if not isinstance(tree, str) or not isinstance(key, str):
            reason = "message_tree_id or message_id is no text"
            self._journal.reject(record.rejected(reason))
            return
        if tree != self._tree:
            yield from self.finish()
            self._tree = tree
        if hash(tree) in self._done:
            reason = "its tree has ended before: sort the file by message_tree_id"
            self._journal.reject(record.rejected(reason))
            return
        try:
            if key in self._rows:
                raise FormError("another message has the same message_id")
            self._rows[key] = record, oasst.message_node(record.value)
        except FormError as error:
            self._journal.reject(record.rejected(str(error)))

    def finish(self) -> Iterator[Chat]:
        """The conversations of the tree that is being built."""
        rows, self._rows = self._rows, {}
        if self._tree is not None:
            self._done.add(hash(self._tree))
            self._tree = None
        root: tuple[Record, Node] | None = None
        orphans = False
        for record, node in rows.values():
            parent = record.value.get("parent_id")
            if node is None:
                continue
            if parent is None and root is None:
                root = record, node
            elif isinstance(parent, str) and parent in rows:
                above = rows[parent][1]
                if above is not None:
                    above.replies.append(node)
            else:
                orphans = True
                self._journal.reject(record.rejected("the message that it replies to is missing"))
        if rows and root is None and not orphans:
            record = next(iter(rows.values()))[0]
            self._journal.reject(record.rejected("its tree has no first message"))
        if root is not None:
            yield from self._read(*root)

    def _read(self, record: Record, root: Node) -> Iterator[Chat]:
        try:
            yield from oasst.conversations(root, record.origin.inner("tree"), self._paths)
        except FormError as error:
            reason = str(error)
            self._journal.reject(Rejected(record.origin, reason, record.rejected(reason).text))
