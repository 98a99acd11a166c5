"""What the running server says of itself in a file, so that front ends find it."""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import paths

if TYPE_CHECKING:
    from assistant.config import Activations, Quantization, Settings

FRONT_END_VARIABLE = "ASSISTANT_STARTED_BY_FRONT_END"
"""Set in the environment of a server that nobody started by hand."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The settings that decide which model a server holds, and how."""

    model: str
    adapter: str | None
    quantization: "Quantization"
    device: str
    draft_model: str | None = None
    activations: "Activations" = "int8"

    @classmethod
    def of(cls, settings: "Settings") -> "ModelChoice":
        """The choice in `settings`, with whole paths: front ends run in different folders."""
        adapter = str(Path(settings.adapter).expanduser().absolute()) if settings.adapter else None
        draft = _whole(settings.draft_model) if settings.draft_model else None
        return cls(
            model=_whole(settings.model),
            adapter=adapter,
            quantization=settings.quantization,
            device=settings.device,
            draft_model=draft,
            activations=settings.activations,
        )

    def environment(self) -> dict[str, str]:
        """The variables that make a process' settings say the same."""
        return {
            f"ASSISTANT_{name.upper()}": "" if value is None else value
            for name, value in asdict(self).items()
        }


def _whole(name_or_path: str) -> str:
    if os.sep in name_or_path or name_or_path.startswith(("~", ".")):
        return str(Path(name_or_path).expanduser().absolute())
    return name_or_path


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """A server that listens, or did when it was last heard of."""

    url: str
    """Its root, without `/v1`."""
    pid: int
    version: str
    choice: ModelChoice
    by_front_end: bool
    """Whether a front end started it; one that was started by hand is nobody else's to end."""

    def write(self) -> None:
        """Make it the server that front ends find."""
        content = asdict(self)
        content = {**content.pop("choice"), **content}
        paths.write_atomically(paths.server_file(), json.dumps(content, indent=2) + "\n")

    def remove(self) -> None:
        """Let no front end find it any more; a later server's record stays."""
        if read_record() == self:
            paths.server_file().unlink(missing_ok=True)


def read_record() -> ServerRecord | None:
    """The server that was started last; it may have died without a word. None: there is none."""
    try:
        content = json.loads(paths.server_file().read_text())
        choice = ModelChoice(**{part.name: content.pop(part.name) for part in fields(ModelChoice)})
        return ServerRecord(choice=choice, **content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
