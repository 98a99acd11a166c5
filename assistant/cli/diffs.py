"""A word diff for a terminal."""

from rich.console import Console
from rich.text import Text

from assistant.diff import Change, word_diff

_STYLES = {Change.SAME: "", Change.REMOVED: "red strike", Change.ADDED: "green bold"}


def word_diff_text(old: str, new: str) -> Text:
    """Both texts in one, removed words struck through and added ones bold."""
    text = Text()
    for stretch in word_diff(old, new):
        text.append(stretch.text, _STYLES[stretch.change])
    return text


def print_word_diff(old: str, new: str) -> None:
    """Print the word diff to standard output."""
    Console(highlight=False, soft_wrap=True).print(word_diff_text(old, new))
