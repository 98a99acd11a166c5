"""The text around a cursor in the editor."""

from assistant.completion.window import SUFFIX_CHARACTERS
from assistant.line_ends import with_line_feeds
from assistant_lsp.buffer import TextBuffer


def around(buffer: TextBuffer, offset: int) -> tuple[str, str]:
    """The text left of a place, and as much right of it as anybody wants to know.

    Lines end in `\\n`, whatever they end in in the document.
    """
    text = buffer.text
    behind = text[offset : offset + SUFFIX_CHARACTERS]
    return with_line_feeds(text[:offset]), with_line_feeds(behind)
