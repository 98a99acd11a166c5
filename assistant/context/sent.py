"""What a model was sent for a completion, as a document to read."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from assistant.context.kept import Kept
from assistant.context.pieces import ORIGINS
from assistant.messages import CompletionRequest
from assistant.prompts.reading import Part

_NAMES = {"prefix": "Before the cursor", "suffix": "Behind the cursor"}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request for a completion, and where its parts are from."""

    request: CompletionRequest
    model: str
    reads: tuple[Part, ...]
    """What of it the model gets to read, in its order."""
    kept: Kept
    reason: str
    """Why there are no pieces of other files, or empty."""
    time: datetime
    ahead: bool = False
    """It was asked for behind a suggestion, as if that were accepted."""


def shown(sent: Sent) -> str:
    """The parts in the order in which the model reads them, as Markdown."""
    request = sent.request
    name = PurePath(request.path).name or "this text"
    parts = _parts(sent)
    total = sum(len(text) for _, text in parts)
    ahead = " It was asked for ahead, as if a suggestion were accepted." if sent.ahead else ""
    lines = [
        f"# What was sent to complete {name}",
        "",
        f"{sent.model} was sent {_characters(total)} in {len(parts)} parts at "
        f"{sent.time:%H:%M:%S}, here in the order in which it reads them.{ahead} Where that is "
        "more than it can read, the parts are cut.",
    ]
    if sent.reason:
        lines += ["", f"There are no pieces of other files: {sent.reason}."]
    for number, (title, text) in enumerate(parts, 1):
        lines += ["", f"## {number}. {title}, {_characters(len(text))}", ""]
        lines += [_fenced(text, request.language)]
    if sent.kept.left:
        lines += ["", "## Left out", ""]
        lines += [
            f"- {left.piece.path}{_named(left.piece.name)} ({ORIGINS[left.piece.origin]},"
            f" {_characters(len(left.piece.text))}): {left.reason}"
            for left in sent.kept.left
        ]
    return "\n".join(lines)


def _parts(sent: Sent) -> list[tuple[str, str]]:
    request = sent.request
    found: list[tuple[str, str]] = []
    for part in sent.reads:
        if part == "context":
            found += [
                (f"{piece.path}{_named(piece.name)} ({ORIGINS[piece.origin]})", piece.text)
                for piece in sent.kept.pieces
            ]
        else:
            text = request.prefix if part == "prefix" else request.suffix
            found.append((_NAMES[part], text))
    return found


def _named(name: str) -> str:
    return f" `{name}`" if name.isidentifier() else ""


def _characters(count: int) -> str:
    return f"{count} character{'' if count == 1 else 's'}"


def _fenced(text: str, language: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"
