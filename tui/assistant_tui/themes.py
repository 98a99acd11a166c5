"""How it looks: two themes of our own beside those of Textual, and Markdown in their colours."""

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color
from textual.theme import Theme
from textual.widgets.text_area import TextAreaTheme

INK = Theme(
    name="ink",
    primary="#6CB6FF",
    secondary="#93A7C4",
    accent="#E3BA6E",
    foreground="#D6DCE5",
    background="#12151A",
    surface="#171B21",
    panel="#20262E",
    success="#84CDA0",
    warning="#E3A75C",
    error="#E9767F",
    dark=True,
)
PAPER = Theme(
    name="paper",
    primary="#246A96",
    secondary="#5A6B80",
    accent="#A3602A",
    foreground="#2C3238",
    background="#F3F0EA",
    surface="#FBFAF6",
    panel="#E7E2D8",
    success="#38764A",
    warning="#946413",
    error="#B03945",
    dark=False,
)
SIXTEEN_COLOURS = "ansi-dark"
"""Textual's theme of the terminal's own colours."""

_MUTED = "muted"
_MARKDOWN: Mapping[str, tuple[str, str]] = {
    "heading": ("primary", "bold"),
    "heading.marker": (_MUTED, "not bold"),
    "front.matter": (_MUTED, ""),
    "code.block": ("success", ""),
    "code": ("success", ""),
    "code.language": ("accent", ""),
    "html": (_MUTED, ""),
    "table.header": ("", "bold"),
    "quote": ("secondary", "italic"),
    "list.marker": ("accent", "bold"),
    "marker": (_MUTED, "not bold not italic"),
    "strong": ("", "bold"),
    "emphasis": ("", "italic"),
    "strikethrough": (_MUTED, "strike"),
    "link.text": ("accent", ""),
    "link.uri": (_MUTED, "underline"),
}
"""A colour of the app's theme and other styles for each name of the syntax."""


def theme_for(remembered: str, colours: str | None, available: Mapping[str, Theme]) -> str:
    """The theme to begin with: the remembered one, or the one that fits the terminal.

    `colours` is what Rich calls the terminal's colour system; None is a terminal without any.
    """
    if remembered in available:
        return remembered
    return SIXTEEN_COLOURS if colours in (None, "standard") else INK.name


def markdown_theme(name: str, variables: Mapping[str, str]) -> TextAreaTheme:
    """The editor's styles, by the variables of the app's theme."""
    styles = {part: _style(variables, *look) for part, look in _MARKDOWN.items()}
    return TextAreaTheme(name, syntax_styles=styles)


def _style(variables: Mapping[str, str], colour: str, others: str) -> Style:
    style = Style.parse(others) if others else Style()
    if not colour:
        return style
    foreground, background = (Color.parse(variables[name]) for name in ("foreground", "background"))
    if colour == _MUTED:
        if foreground.ansi is not None:
            return style + Style(dim=True)
        return style + Style(color=foreground.blend(background, 0.45).rich_color)
    return style + Style(color=Color.parse(variables[colour]).rich_color)
