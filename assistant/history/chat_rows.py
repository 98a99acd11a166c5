"""Conversations as they are kept: turns that each follow another, so that none is ever lost."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Literal, get_args

End = Literal["writing", "done", "length", "stopped", "broken"]
"""How a turn ended. `writing`: it goes on, or the program died in the middle of it; `length`: there
was no room for more; `stopped`: by the user; `broken`: the model failed."""
Thumb = Literal["", "up", "down"]
Speaker = Literal["user", "assistant"]

TITLE_CHARACTERS = 60


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file's text as it was when it was attached."""

    path: str
    text: str

    @property
    def name(self) -> str:
        """What the model is told of the path."""
        return PurePath(self.path).name

    def block(self) -> str:
        """What the model reads: the name, and the text in a fence that nothing in it ends."""
        fence = "```"
        while fence in self.text:
            fence += "`"
        end = "" if self.text.endswith("\n") else "\n"
        return f"{self.name}:\n\n{fence}\n{self.text}{end}{fence}"


@dataclass(frozen=True, slots=True)
class Turn:
    """A question or an answer."""

    speaker: Speaker
    text: str
    """As it was typed, or came."""
    parent: str | None = None
    """The id of the turn that it follows; None for a first one."""
    attachments: tuple[Attachment, ...] = ()
    model: str = ""
    """What answered, by the server's name of it, an adapter included."""
    end: End = "done"
    thumb: Thumb = ""
    time: datetime = field(default_factory=_now)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        if self.speaker not in get_args(Speaker):
            raise ValueError(f"nobody is called {self.speaker!r}")

    @property
    def content(self) -> str:
        """All that the model reads of it: what is attached, and then the text."""
        return "\n\n".join([*(one.block() for one in self.attachments), self.text])


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation, without its turns."""

    title: str
    system: str = ""
    """How the model should behave; empty for what it does by itself."""
    model: str = ""
    """Which is asked, by the server's name of it; empty for that of the settings."""
    leaf: str | None = None
    """The last turn of the branch that was shown last."""
    changed: datetime = field(default_factory=_now)
    """When something was last said in it, in UTC."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True)
class ChatChoice:
    """Which conversations are meant: those that fit everything that is given."""

    ids: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """All of these stand in the title or in its turns."""
    path: Path | None = None
    """A file, or a folder and everything below it, of which something is attached."""
    since: datetime | None = None
    before: datetime | None = None


EVERY_CHAT = ChatChoice()


def title_of(text: str) -> str:
    """A title from the first line with words in it."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    line = " ".join(line.lstrip("#>-* ").split()) or "Conversation"
    if len(line) <= TITLE_CHARACTERS:
        return line
    return line[: TITLE_CHARACTERS - 1].rstrip() + "…"
