"""What a terminal shows, as a picture."""

import re
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

_LOOK = TerminalTheme(
    (18, 21, 26),
    (214, 220, 229),
    [
        (18, 21, 26),
        (240, 113, 120),
        (126, 198, 153),
        (230, 180, 80),
        (108, 182, 255),
        (198, 146, 233),
        (92, 207, 230),
        (214, 220, 229),
    ],
)


def draw(file: Path, screen: str, title: str) -> None:
    """Write a screen, with tmux' escapes for its colours, as an SVG."""
    lines = screen.rstrip("\n").split("\n")
    width = max(Text.from_ansi(line).cell_len for line in lines)
    console = Console(
        file=StringIO(), record=True, width=width, force_terminal=True, color_system="truecolor"
    )
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=True)
    svg = console.export_svg(title=title, theme=_LOOK)
    # Without rich's web fonts: a picture in a page has no business on the network.
    file.write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S), encoding="utf-8")
