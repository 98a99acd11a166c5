"""How far a suggestion goes at a cursor.

- Where a line is begun, a suggestion ends with the line: within a call, a condition, a text.
- In a block that was just opened it goes on until the block ends.
- Between statements it goes on until a blank line, and in no case out of the function around.

It closes no bracket that is closed already. Programs are broken while they are typed: what stands
in brackets is told by the brackets, and Python's blocks by a tree in which these are closed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.syntax.brackets import Reader, Token, around, open_at_end, reader_for
from assistant.syntax.lines import encoded, indent, line_start
from assistant.syntax.owed import owed_of
from assistant.syntax.window import window

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

_AFTER_CHARACTERS = 1_500
_INDENTED = ("python",)
"""Languages whose blocks end where a line stands further left."""
_QUOTES = ('"""', "'''", '"', "'", "`")
_INSIDE_TEXT = ("interpolation", "substitution", "expansion", "embedded")
"""What is code within a text."""
_CLASSES = ("class", "interface", "enum", "struct", "impl", "trait", "declaration_list", "module")


@dataclass(frozen=True, slots=True)
class Open:
    """A bracket that is open at the cursor."""

    token: Token
    owed: bool
    """Whether nothing below closes it, so that a suggestion has to."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a suggestion goes at a cursor."""

    reader: Reader
    before: str
    """The text before the cursor, as far as it tells something."""
    rest: str
    """What stands right of the cursor on its line: nothing may be left open in front of it."""
    in_text: bool
    """Whether the cursor stands in a string or a comment."""
    begun: bool
    """Whether its line is begun: if a suggestion goes on with it, then no further."""
    block: bool
    """Whether a new line is the first of a block, which a suggestion completes."""
    limit: int
    """Columns; a line that begins there, or further left, is outside."""
    open: tuple[Open, ...]
    """The brackets that are open, the outermost first."""

    def is_closer(self, line: str) -> bool:
        """Whether nothing but the end of a block stands on a line, such as `end`."""
        return line.strip() in self.reader.closers.values()


def extent_at(language: str, before: str, after: str) -> Extent | None:
    """How far a suggestion goes between two texts; None where the language has no grammar here."""
    if (reader := reader_for(language)) is None:
        return None
    before = window(before, language)
    read = encoded(before)
    whole = read + encoded(after[:_AFTER_CHARACTERS])
    tree = reader.tree(whole)
    tokens = reader.tokens(tree)
    place = len(read)
    stack = open_at_end([token for token in tokens if token.start < place])
    line = before.rpartition("\n")[2]
    in_text = _in_text(tree, place) or _in_open_text(reader, read, line, stack)
    below = [token for token in tokens if token.start >= place]
    owed = owed_of(stack, below, whole, place, ends=len(after) <= _AFTER_CHARACTERS)
    opened = tuple(Open(token, token in owed) for token in stack)
    if in_text:
        block, limit = False, -1
    elif language in _INDENTED and not stack:
        block, limit = _indented(reader, before)
    else:
        block, limit = _bracketed(reader, read, stack)
    rest = after.partition("\n")[0]
    begun = bool(line.strip() or rest.strip())
    return Extent(reader, before, rest, in_text, begun, block, limit, opened)


# Where the cursor stands -------------------------------------------------------------------------


def _in_text(tree: "Tree", place: int) -> bool:
    """Whether a place is in a string or a comment."""
    for node in around(tree.root_node.descendant_for_byte_range(max(0, place - 1), place)):
        if any(kind in node.type for kind in _INSIDE_TEXT):
            return False
        inside = node.start_byte < place < node.end_byte
        if "comment" in node.type and (inside or _goes_on(node, place)):
            return True
        if inside and ("string" in node.type or "char" in node.type or "heredoc" in node.type):
            return True
    return False


def _goes_on(comment: "Node", place: int) -> bool:
    """Whether what is written behind a comment is a part of it."""
    text = comment.text or b""
    return comment.start_byte < place == comment.end_byte and not text.endswith((b"*/", b"\n"))


def _in_open_text(reader: Reader, before: bytes, line: str, stack: Sequence[Token]) -> bool:
    """Whether a string begins on the line, or above where it may, and ends nowhere."""
    place = len(before)
    for quote in _QUOTES:
        above = len(quote) == 3 and before.count(quote.encode()) % 2 == 1
        if above or quote in line:
            closed = before + b"x" + quote.encode() + b"\n" + _closing(stack)
            if _in_text(reader.tree(closed), place + 1):
                return True
    return False


def _bracketed(reader: Reader, before: bytes, stack: Sequence[Token]) -> tuple[bool, int]:
    """Whether a block was just opened, and the column that bounds it."""
    if not stack:
        return False, -1
    inner = stack[-1]
    limit = indent(before, inner.start) - 1
    tree = reader.tree(before + b"\n" + _closing(stack))
    end = _end_of_code(tree, before)
    if inner.text.isalpha():
        line = line_start(before, end)
        fresh = line <= inner.start or indent(before, end) == indent(before, inner.start)
    else:
        fresh = end == inner.start + len(inner.text)
    node = tree.root_node.descendant_for_byte_range(inner.start, inner.start + 1)
    holder = node.parent if node is not None else None
    return fresh and not (holder is not None and _is_class(holder)), limit


def _indented(reader: Reader, before: str) -> tuple[bool, int]:
    """The same, where blocks are indented."""
    line = before.rpartition("\n")[2]
    added = not line.strip() or line.rstrip().endswith(":")
    read = encoded(before if added else before.rstrip())
    tree = reader.tree(read + b"x\n" if added else read)
    place = len(read) if added else max(0, len(read) - 1)
    node = tree.root_node.descendant_for_byte_range(place, place + 1)
    block = next((one for one in around(node) if one.type == "block"), None)
    if block is None or (header := block.parent) is None:
        return False, -1
    first = next((child for child in block.named_children if not _is_docstring(child)), None)
    if added and (first is None or first.start_byte >= place):
        return not _is_class(header), header.start_point.column
    for one in around(header):
        if one.type in ("function_definition", "class_definition"):
            return False, one.start_point.column
    return False, -1


def _end_of_code(tree: "Tree", before: bytes) -> int:
    """Where the last of a text ends that is no comment."""
    end = len(before.rstrip())
    while end > 0:
        node = tree.root_node.descendant_for_byte_range(end - 1, end)
        if node is None or "comment" not in node.type:
            break
        end = len(before[: node.start_byte].rstrip())
    return end


def _is_docstring(node: "Node") -> bool:
    """What stands at the begin of a block and does nothing yet."""
    if node.type == "comment":
        return True
    kinds = [child.type for child in node.named_children]
    return node.type == "expression_statement" and kinds == ["string"]


def _is_class(node: "Node") -> bool:
    parent = node.parent.type if node.parent is not None else ""
    kinds = (node.type, parent if "body" in node.type or "list" in node.type else "")
    return any(name in kind for kind in kinds for name in _CLASSES)


def _closing(stack: Sequence[Token]) -> bytes:
    """What closes all that is open."""
    return "\n".join(token.closer for token in reversed(stack)).encode()
