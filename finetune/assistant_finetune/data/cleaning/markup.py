"""Answers as a web page showed them, back to the Markdown that the model wrote."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import Tag

_PAGE = re.compile(r"""\A\s*<div class=["'][^"']*\b(?:markdown|prose)\b""")
"""How the page's own box around an answer begins."""
_PROSE = re.compile(r"\A\s*<(?:p|pre|ol|ul|h[1-6]|table|blockquote)>.*>\s*\Z", re.S)
_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9]*)\b([^>]*)>")
_PROSE_TAGS = {
    *("a", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr"),
    *("i", "img", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "table", "tbody"),
    *("td", "th", "thead", "tr", "ul"),
}
"""What Markdown turns into; somebody's own HTML hardly does without any other."""
_COUNTER = re.compile(r"\A\s*(\d{1,3}) / (\d{1,3})[ \t]*\n\s*")
"""Which of several answers the page showed: `2 / 3`."""
_COPIED = re.compile(r"^(?:Copy\s+)?\d+ chars / \d+ words[ \t]*(?:\n|\Z)", re.M)
"""What a page for copying answers wrote above them."""
_BUTTON = re.compile(
    r"^([ \t]*```)[ \t]*([\w+#.-]*)[ \t]*\n?[ \t]*([\w+#.-]*?)Copy code`?[ \t]*\n?", re.M
)
"""A code block whose first line is its language and the button beside it."""
_LANGUAGE = "language-"


def is_page(answer: str) -> bool:
    """Whether an answer surely stood on a web page as it is."""
    return _PAGE.match(answer) is not None


def may_be_page(answer: str) -> bool:
    """Whether an answer is HTML as Markdown is shown; a short piece of somebody's own may be so."""
    if is_page(answer):
        return True
    return bool(_PROSE.match(answer)) and all(
        tag[1].lower() in _PROSE_TAGS for tag in _TAG.finditer(answer)
    )


def markdown_of(answer: str) -> str:
    """The Markdown that an answer was before it became HTML."""
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
