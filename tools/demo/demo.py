"""`make demo`: a real language-server session over the files in `examples/`, with the starter.

It keeps its server and settings in a temporary home, and leaves nothing behind.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from assistant.cli.diffs import word_diff_text
from assistant.errors import AssistantError, ServerError
from assistant.paths import HOME_VARIABLE, server_file
from tools.demo.editor import Document, Editor

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WIDTH = 88


@dataclass(frozen=True)
class Typing:
    """Something that the demo types into a file, and then waits for what is suggested."""

    behind: str
    """Where: behind this text of the file."""
    typed: str
    shown_lines: int = 3
    """Lines above the cursor that are shown."""


# Chosen out of some thirty places for having something sensible to show: with a model of this size
# most have not. The model card has the figures for random places.
TYPINGS = (
    Typing("def save_items(path: str, items: list[Item]) -> None:\n", "    with open(path", 2),
    Typing('    """Return the value of everything on the shelf."""\n', "    if not isinstance(", 3),
    Typing(
        "            return item\n    return None\n",
        "\n\ndef is_empty(items: list[Item]) -> bool:\n    return not ",
        2,
    ),
)
EXPLAINED = "def find_item"
POLISHED = "The server keeps"


def main() -> None:
    """Show the demo; exits 1 with one line when the assistant cannot work here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw a picture of it, too")
    options = parser.parse_args()
    console = Console(width=WIDTH, highlight=False, record=options.svg is not None)
    with tempfile.TemporaryDirectory(prefix="assistant-demo-") as home:
        os.environ[HOME_VARIABLE] = home
        for name in ("MODEL", "ADAPTER", "SERVER_URL", "QUANTIZATION"):
            os.environ.pop(f"ASSISTANT_{name}", None)
        try:
            asyncio.run(show(console))
        except (AssistantError, OSError) as error:
            print(f"demo: {error}", file=sys.stderr)
            sys.exit(1)
        finally:
            end_server()
    if options.svg is not None:
        # Without rich's web fonts: a picture in a README has no business on the network.
        svg = re.sub(
            r"@font-face \{.*?\}\s*", "", console.export_svg(title="make demo"), flags=re.S
        )
        options.svg.write_text(svg, encoding="utf-8")


async def show(console: Console) -> None:
    """The whole session. Raises AssistantError when the model does not load."""
    editor = Editor()
    server = await editor.start()
    try:
        code = editor.open(EXAMPLES / "inventory.py", "python")
        notes = editor.open(EXAMPLES / "notes.md", "markdown")
        seconds = await editor.load_model(code)
        if editor.messages:
            raise ServerError(editor.messages[0])
        console.print(f"\n{server} · the starter model, ready in {seconds:.1f} s\n", style="bold")
        for typing in TYPINGS:
            await show_completion(console, editor, typing)
        await show_explanation(console, editor, code)
        await show_polishing(console, editor, notes)
    finally:
        await editor.stop()
    console.print(next_steps())


async def show_completion(console: Console, editor: Editor, typing: Typing) -> None:
    """Type into a fresh copy of the file, and show the ghost text at the cursor."""
    document = editor.open(EXAMPLES / "inventory.py", "python")
    place = document.text.index(typing.behind) + len(typing.behind)
    cursor = editor.type(document, place, typing.typed)
    ghost, seconds = await editor.complete(document, cursor)
    first = len(document.text[:cursor].split("\n")) - typing.shown_lines
    shown = "\n".join(document.text[:cursor].split("\n")[first:])
    code = Syntax("", "python", theme="ansi_dark").highlight(shown)
    code.rstrip()
    trailing = shown[len(shown.rstrip()) :]
    code.append(trailing)
    code.append(ghost or "(nothing)", style="italic reverse" if ghost else "dim")
    where = f"{document.name}:{document.position(cursor).line + 1}"
    console.print(panel(code, f"complete · {where}", seconds))


async def show_explanation(console: Console, editor: Editor, document: Document) -> None:
    """Explain a function."""
    start = document.text.index(EXPLAINED)
    answer, seconds = await editor.explain(document, start)
    source = document.text[start:].split("\n\n\n")[0].rstrip()
    body = Group(
        Syntax(source, "python", theme="ansi_dark", background_color="default"),
        Text(f"\n{answer.strip()}", style="italic"),
    )
    console.print(panel(body, f"explain · {EXPLAINED.removeprefix('def ')}", seconds))


async def show_polishing(console: Console, editor: Editor, document: Document) -> None:
    """Polish a paragraph, as a word diff."""
    old = document.text
    place = old.index(POLISHED)
    new, seconds = await editor.polish(document, place)
    end = old.index("\n\n", place)
    polished = new[place : len(new) - (len(old) - end)]
    diff = word_diff_text(old[place:end].replace("\n", " "), polished.replace("\n", " "))
    console.print(panel(diff, f"polish · {document.name}", seconds))


def panel(body: RenderableType, title: str, seconds: float) -> Panel:
    """A box with what was asked on its upper edge and the time on the lower."""
    return Panel(
        body,
        title=f"[bold]{title}[/]",
        title_align="left",
        subtitle=f"{seconds * 1000:.0f} ms",
        subtitle_align="right",
        padding=(0, 1),
    )


def next_steps() -> str:
    """What to do after the demo."""
    return (
        "\nThese are places where the starter does well; its card tells how it does elsewhere.\n"
        "[bold]Next[/]: this was a model of a few million parameters. With a large one:\n"
        "  .venv/bin/assistant models list              what there is\n"
        "  .venv/bin/assistant models pull vicuna-13b   fetch one (7.2 GB, for a GPU)\n"
        "  .venv/bin/assistant doctor                   what works on this machine\n"
        "and in your editor: docs/editors.md\n"
    )


def end_server() -> None:
    """End the model server that the session started."""
    try:
        os.kill(json.loads(server_file().read_text())["pid"], signal.SIGTERM)
    except (OSError, ValueError, KeyError):
        return


if __name__ == "__main__":
    main()
