"""The pieces that may be sent, and how definitions are written in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.context.index import Found
from assistant.messages import Snippet
from assistant.prompts.languages import comment_mark

Origin = Literal["definition", "place", "open"]
"""A definition that the file names; a place that was worked at; a file that is open."""
ORIGINS: dict[Origin, str] = {
    "definition": "definitions that the file imports or names",
    "place": "a place that you were at",
    "open": "a file that is open",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a file, and why it may help."""

    file: str
    """The file's whole path."""
    path: str
    """The same as it is shown to the model."""
    text: str
    origin: Origin
    name: str = ""
    """Of what is defined."""

    @property
    def identity(self) -> tuple[str, ...]:
        """What is the same for an older and a newer text of the same; empty for a mere place."""
        return (self.origin, self.file, self.name) if self.origin != "place" else ()

    @property
    def size(self) -> int:
        """Its characters."""
        return len(self.path) + len(self.text)

    @property
    def snippet(self) -> Snippet:
        """The same as a request holds it."""
        return Snippet(self.path, self.text)


def stub(found: Found, members: Iterable[Found] = ()) -> str:
    """A definition without what it does: its head, its documentation's first line, its members."""
    owner = found.definition.container
    if owner and found.language == "python":
        return f"class {owner}:\n{_stub(found, '    ')}"
    named = [f"{comment_mark(found.language)} {owner}"] if owner else []
    inner = [_stub(member, "    ") for member in members]
    return "\n".join([*named, _stub(found, ""), *inner])


def outline(definitions: Sequence[Found], limit: int) -> str:
    """The definitions of one file without what they do, as many as fit into `limit` characters."""
    lines: list[str] = []
    for found in definitions:
        if found.definition.kind == "constant" or found.definition.name.startswith("_"):
            continue
        indent = "    " if found.definition.container else ""
        line = _stub(found, indent)
        if sum(map(len, lines)) + len(lines) + len(line) > limit:
            break
        lines.append(line)
    return "\n".join(lines)


def _stub(found: Found, indent: str) -> str:
    definition, language = found.definition, found.language
    head = "\n".join(f"{indent}{line}" for line in definition.signature.split("\n"))
    if not definition.doc:
        return head
    if language == "python":
        return f'{head}\n{indent}    """{definition.doc}"""'
    return f"{indent}{comment_mark(language)} {definition.doc}\n{head}"
