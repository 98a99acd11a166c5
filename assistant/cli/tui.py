"""The terminal home."""

import gc
import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.session import ModelOption, packages_of

_SERVED = "TEXTUAL_DRIVER"
"""Set where a web server runs this and shows it in a page."""
_OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""Python's own 700 make a tenth of the start a search for garbage that is not there yet."""
_FRAMES_A_SECOND = 120
"""Textual's own 60 let a key wait for a sixtieth of a second before it is painted."""


def tui(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            help="A folder of Markdown files, or one of them.",
            show_default="the last one",
        ),
    ] = None,
    model: ModelOption = None,
    web: Annotated[
        bool, typer.Option("--web", help="Open it in a browser on this machine instead.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="For --web.", show_default="any that is free")
    ] = 0,
) -> None:
    """Keep notes in the terminal, have them polished and translated, and chat with the model."""
    from assistant.config import load_settings
    from assistant.errors import UsageError

    settings = load_settings()
    if model is not None:
        settings = settings.model_copy(update={"model": model})
    if web:
        _serve(folder, model, port)
        return
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    os.environ.setdefault("TEXTUAL_FPS", str(_FRAMES_A_SECOND))
    with packages_of("tui"):
        from assistant_tui.app import run
    if _SERVED in os.environ:  # a browser's tab is the terminal
        run(folder, settings)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("notes are edited in a terminal: `assistant polish` reads from pipes")
    run(folder, settings)


def _serve(folder: Path | None, model: str | None, port: int) -> None:
    """Serve the app to browsers on this machine. Raises UsageError."""
    from assistant.errors import UsageError

    with packages_of("web"):
        from assistant_tui.app import notes_folder
        from assistant_tui.web.server import serve

    if notes_folder(folder) is None:
        raise UsageError("name the folder of your notes: assistant tui --web FOLDER")
    command = [sys.executable, "-P", "-m", "assistant", "tui"]
    command += [] if folder is None else [str(folder.expanduser().absolute())]
    command += [] if model is None else ["--model", model]
    serve(
        shlex.join(command),
        port,
        lambda address: typer.echo(f"open {address} in a browser; Ctrl+C ends it", err=True),
    )
