"""The only question of the first start: where the notes are."""

from pathlib import Path

from textual.app import App

from assistant.errors import UsageError
from assistant_tui.dialogs import AskName
from assistant_tui.themes import INK, PAPER, theme_for

_SUGGESTED = "~/Notes"


class FirstStart(App[Path]):
    """Gives a folder, which is made where it is missing; None when it is left."""

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False

    def on_mount(self) -> None:
        """Ask."""
        self.register_theme(INK)
        self.register_theme(PAPER)
        self.theme = theme_for("", self.console.color_system, self.available_themes)
        hint = "Any folder of Markdown files. It is made if there is none, and remembered."
        self.push_screen(AskName("Where are your notes?", hint, _SUGGESTED), self._answered)

    def _answered(self, name: str | None) -> None:
        self.exit(None if name is None else Path(name))


def made(folder: Path) -> Path:
    """The folder, as a whole path, which is there then. Raises UsageError."""
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}") from error
    return folder
