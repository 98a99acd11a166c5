"""Answers as a web page showed them, back to the Markdown that the model wrote."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import Tag

_PAGE = re.compile(r"\A\s*<(?:div|p|pre|ol|ul|h[1-6]|table|blockquote|span)\b[^>]*>.*>\s*\Z", re.S)
"""An answer that is markup from its first character to its last; one that holds some is not."""
_COUNTER = re.compile(r"\A\s*(\d{1,3}) / (\d{1,3})[ \t]*\n\s*")
"""Which of several answers the page showed: `2 / 3`."""
_COPIED = re.compile(r"^(?:Copy\s+)?\d+ chars / \d+ words[ \t]*(?:\n|\Z)", re.M)
"""What a page for copying answers wrote above them."""
_BUTTON = re.compile(
    r"^([ \t]*```)[ \t]*([\w+#.-]*)[ \t]*\n?[ \t]*([\w+#.-]*?)Copy code`?[ \t]*\n?", re.M
)
"""A code block whose first line is its language and the button beside it."""
_LANGUAGE = "language-"


def markdown_of(answer: str) -> str:
    """The Markdown of an answer that is HTML; any other is given back as it is."""
    if not _PAGE.match(answer):
        return answer
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    soup = BeautifulSoup(answer, "html.parser")
    for block in soup.find_all("pre"):
        code = block.find("code")
        if code is not None:  # beside it stand the language's name and a button
            code.extract()
            block.clear()
            block.append(code)
    converter = MarkdownConverter(
        heading_style="atx",
        bullets="-",
        escape_asterisks=False,
        escape_underscores=False,
        escape_misc=False,
        code_language_callback=_language,
    )
    return str(converter.convert_soup(soup)).strip()


def without_page(answer: str) -> str:
    """The answer without what the page wrote around it: counters and buttons."""
    found = _COUNTER.match(answer)
    if found and 1 <= int(found[1]) <= int(found[2]):
        answer = answer[found.end() :]
    return _BUTTON.sub(r"\1\2\3\n", _COPIED.sub("", answer))


def _language(block: "Tag") -> str:
    """The language of a code block, by the class of its code."""
    code = block.find("code") or block
    names: list[str] = list(code.get_attribute_list("class"))
    names = [name for name in names if name]
    return next((name[len(_LANGUAGE) :] for name in names if name.startswith(_LANGUAGE)), "")
