"""Which words of a text an action is about, and how the answers come back into it."""

import re

from assistant.edit import Edit
from assistant.errors import UsageError
from assistant.prompts.languages import is_chinese
from assistant.prose import Paragraph, paragraphs

CONTINUE_FROM_CHARACTERS = 4000
"""How much of a text's end is shown to a model that continues it."""
LANGUAGES = ("markdown", "plaintext", "text", "restructuredtext", "rst")
_NO_PROSE_IN_RST = re.compile(
    r"^(?:[^\r\n]+\r?\n)?(?P<mark>[=\-~^\"'`#*+.:_])(?P=mark){2,}[ \t]*$"  # headings and rules
    r"|^\.\.(?:[ \t].*)?$|^:\w.*$",  # directives and fields
    re.MULTILINE,
)


def meant(text: str, language: str, start: int, end: int) -> list[Paragraph]:
    """The paragraphs that an action at a selection or cursor is about, or the part of one.

    Raises UsageError where there is none.
    """
    found = touched(text, language, start, end)
    if start != end and (part := selected_words(text, found, start, end)) is not None:
        return [part]
    if not found:
        raise UsageError("there is no paragraph here: headings, code and tables stay as they are")
    return found


def touched(text: str, language: str, start: int, end: int) -> list[Paragraph]:
    """The paragraphs that a selection, or the cursor where the two are the same, touches."""
    return [
        paragraph
        for paragraph in _paragraphs(text, language)
        if _line_start(text, paragraph.start) <= end
        and paragraph.end >= start
        and (start == end or text[max(start, paragraph.start) : min(end, paragraph.end)].strip())
    ]


def selected_words(text: str, found: list[Paragraph], start: int, end: int) -> Paragraph | None:
    """The selection, where it is a part of one line of one paragraph, as words of their own."""
    if len(found) != 1 or "\n" in text[start:end] or "\r" in text[start:end]:
        return None
    words = text[start:end]
    begin = start + len(words) - len(words.lstrip())
    finish = begin + len(words.strip())
    paragraph = found[0]
    if begin <= paragraph.start and finish >= paragraph.end:
        return None
    begin, finish = max(begin, paragraph.start), min(finish, paragraph.end)
    return Paragraph(begin, finish, text[begin:finish], "", None, paragraph.line_end)


def replacement(text: str, paragraph: Paragraph, words: str) -> Edit | None:
    """The edit that gives a paragraph new words; None where nothing would change."""
    new = paragraph.layout(words)
    if not words or words == paragraph.text or new == text[paragraph.start : paragraph.end]:
        return None
    return Edit(paragraph.start, paragraph.end, new)


def before(text: str, language: str, offset: int) -> tuple[str, Paragraph | None]:
    """The prose that ends at `offset`, and the paragraph to go on with, if the cursor is in it.

    Headings, code and front matter are not part of it.
    """
    found = [p for p in _paragraphs(text, language) if _line_start(text, p.start) <= offset]
    last = found[-1] if found and found[-1].end >= _line_start(text, offset) else None
    words = "\n\n".join(paragraph.text for paragraph in found)
    return words[-CONTINUE_FROM_CHARACTERS:], last


def continuation(text: str, last: Paragraph | None, offset: int, words: str) -> Edit | None:
    """The edit that adds `words` to a paragraph, or at the cursor where that is in none."""
    if not words:
        return None
    if last is None:
        return Edit(offset, offset, words)
    if last.width is None:
        gap = "" if is_chinese(last.text[-1:]) else " "
        return Edit(last.end, last.end, gap + last.layout(words))
    # Lay the words out behind one long word that takes the place of the last line's.
    used = last.end - _line_start(text, last.end) - len(last.indent)
    return Edit(last.end, last.end, last.layout("x" * used + " " + words)[used:])


def _paragraphs(text: str, language: str) -> list[Paragraph]:
    if language in ("restructuredtext", "rst"):
        text = _NO_PROSE_IN_RST.sub(lambda found: re.sub(r"[^\r\n]", " ", found[0]), text)
    return paragraphs(text)


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
