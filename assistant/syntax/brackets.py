"""Brackets, and the words that languages use for them, as the grammar finds them in a text.

So none of them stands in a string or a comment. What is open at a place is told by the tokens in
their order, and not by the tree: a program that is being typed is broken, and its tree a guess.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from assistant.syntax.grammars import parser_for

if TYPE_CHECKING:
    from tree_sitter import Node, Query, Tree

_BRACKETS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "((": "))",
    "[[": "]]",
    "$(": ")",
    "$((": "))",
    "$[": "]",
    "${": "}",
    "#{": "}",
    "<(": ")",
    ">(": ")",
    "#[": "]",
    "{|": "|}",
    "\\{": "}",
    "%i(": ")",
    "%w(": ")",
}
_SHELL = {"if": "fi", "do": "done", "case": "esac"}
_WORDS = {
    "bash": _SHELL,
    "sh": _SHELL,
    "shellscript": _SHELL,
    "lua": {"function": "end", "if": "end", "do": "end", "repeat": "until"},
    "ruby": dict.fromkeys(
        ("def", "class", "module", "begin", "case", "if", "unless", "while", "until", "for", "do"),
        "end",
    ),
}
_NO_OPENERS = frozenset(
    # In Ruby `x if y` opens nothing, and in `while x do` the first word has.
    {"if_modifier", "unless_modifier", "while_modifier", "until_modifier", "do"}
)
_PATTERN = "case_item"
"""Behind a pattern of the shell's `case` stands a bracket that closes nothing."""


@dataclass(frozen=True, slots=True)
class Token:
    """A bracket in a text. Places are in bytes."""

    start: int
    text: str
    closer: str
    """What would close it; empty where it closes something itself."""


class Reader:
    """Reads the texts of one language, in any thread."""

    def __init__(self, language: str, query: "Query", closers: dict[str, str]) -> None:
        self.language = language
        self.closers = closers
        """What closes what."""
        self._query = query

    def tree(self, text: bytes) -> "Tree":
        """The syntax of a text."""
        parser = parser_for(self.language)
        assert parser is not None
        return parser.parse(text)

    def tokens(self, tree: "Tree", start: int = 0) -> list[Token]:
        """The brackets of a text from a place on, in their order. Missing ones are not there."""
        from tree_sitter import QueryCursor

        cursor = QueryCursor(self._query)
        cursor.set_byte_range(start, max(start, tree.root_node.end_byte))
        found = [node for nodes in cursor.captures(tree.root_node).values() for node in nodes]
        tokens = (self._token(node) for node in found if node.end_byte > node.start_byte >= start)
        return sorted((token for token in tokens if token), key=lambda token: token.start)

    def _token(self, node: "Node") -> Token | None:
        text = node.type
        closer = self.closers.get(text, "")
        if (closer and text.isalpha()) or text == ")":
            kind = node.parent.type if node.parent is not None else ""
            if (closer and kind in _NO_OPENERS) or kind == _PATTERN:
                return None
        return Token(node.start_byte, text, closer)


@cache
def reader_for(language: str) -> Reader | None:
    """Who reads a language, or None where it has no grammar here."""
    parser = parser_for(language)
    if parser is None or parser.language is None:
        return None
    from tree_sitter import Query

    grammar = parser.language
    pairs = {**_BRACKETS, **_WORDS.get(language, {})}

    def known(text: str) -> bool:
        return grammar.id_for_node_kind(text, False) is not None

    pairs = {opener: closer for opener, closer in pairs.items() if known(opener) and known(closer)}
    texts = sorted({*pairs, *pairs.values()})
    quoted = " ".join('"{}"'.format(text.replace("\\", "\\\\")) for text in texts)
    return Reader(language, Query(grammar, f"[{quoted}] @bracket"), pairs)


def open_at_end(tokens: Sequence[Token]) -> list[Token]:
    """Those that nothing closes, the outermost first."""
    stack: list[Token] = []
    for token in tokens:
        if token.closer:
            stack.append(token)
        elif (place := innermost(stack, token.text)) is not None:
            del stack[place:]
    return stack


def innermost(stack: Sequence[Token], closer: str) -> int | None:
    """Which of the open ones `closer` closes; those behind it were forgotten. None for nothing."""
    for place in range(len(stack) - 1, -1, -1):
        if stack[place].closer == closer:
            return place
    return None


def around(node: "Node | None") -> "Iterator[Node]":
    """A node, and what it stands in, from the inside."""
    while node is not None:
        yield node
        node = node.parent
