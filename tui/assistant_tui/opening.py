"""Where files are, and how they are opened by whatever the system opens them with."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

from assistant.errors import AssistantError


def open_file(file: Path) -> None:
    """Open a file in another program, which goes on by itself.

    Raises AssistantError where there is no such file, or no program that opens it.
    """
    if not file.exists():
        raise AssistantError(f"{file} is not there")
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if opener is None:
        raise AssistantError(f"nothing here opens files: it is {file}")
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        [opener, str(file)], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    )
    threading.Thread(target=process.wait, name="end of an opener", daemon=True).start()


def place(path: Path) -> str:
    """A path, from the user's home where it is in there."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
