"""Documentation files to plain paragraphs: no code, tables, lists or directives."""

import re

_DOUBLE_TICKS = re.compile(r"``([^`]+)``")
_ROLE = re.compile(r":[a-zA-Z:+-]+:`[~!]?([^`<]+?)(?: ?<[^>]*>)?`")
_LINK = re.compile(r"`([^`<]+?) ?<[^>]*>`_{1,2}")
_MARKDOWN_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_REFERENCE = re.compile(r"`([^`]+)`_{1,2}")
_TITLE_LINE = re.compile(r"([=\-~^\"'*+#])\1{2,}\s*")
_START = re.compile(r"[A-Z\"'(`*][\w`*\"'-]")
_WORDS = re.compile(r"[A-Za-z']+")
MIN_WORDS, MAX_CHARACTERS = 7, 900


def document(text: str) -> str:
    """The headings and paragraphs of a documentation file as Markdown; empty when there are few."""
    kept: list[str] = []
    for block in re.split(r"\n[ \t]*\n", text):
        heading = _heading(block)
        if heading:
            if kept and kept[-1].startswith("#"):
                kept.pop()
            kept.append(f"## {heading}")
            continue
        paragraph = plain(block)
        if is_prose(paragraph):
            kept.append(paragraph)
    if kept and kept[-1].startswith("#"):
        kept.pop()
    return "\n\n".join(kept) if len(kept) > 2 else ""


def paragraphs(document_text: str) -> list[str]:
    """The paragraphs of what `document` gave, without the headings."""
    return [part for part in document_text.split("\n\n") if not part.startswith("#")]


def plain(block: str) -> str:
    """A block of reStructuredText or Markdown on one line, its roles and links as plain text."""
    if block.startswith((" ", "\t")) or "\n  " in block:
        return ""
    text = " ".join(block.split())
    text = _ROLE.sub(r"`\1`", text)
    text = _LINK.sub(r"\1", text)
    text = _DOUBLE_TICKS.sub(r"`\1`", text)
    text = _REFERENCE.sub(r"\1", text)
    text = _MARKDOWN_LINK.sub(r"\1", text)
    return text.replace("::", ":").replace("\\ ", "")


def is_prose(text: str) -> bool:
    """Whether a line reads as one or more English sentences."""
    if not _START.match(text) or len(text) > MAX_CHARACTERS or text[-1] not in ".!?:":
        return False
    words = _WORDS.findall(text)
    letters = sum(len(word) for word in words)
    if len(words) < MIN_WORDS or letters < 0.72 * len(text):
        return False
    return not any(mark in text for mark in ("|", "http", "{", "}", "<", "=", "\\", ">>>", "@"))


def _heading(block: str) -> str:
    lines = block.strip().splitlines()
    if len(lines) == 1 and lines[0].startswith("#"):
        return _clean_heading(lines[0].lstrip("#"))
    if len(lines) == 3 and _TITLE_LINE.fullmatch(lines[0]):
        lines = lines[1:]
    if len(lines) == 2 and _TITLE_LINE.fullmatch(lines[1]):
        return _clean_heading(lines[0])
    return ""


def _clean_heading(line: str) -> str:
    text = plain(line.strip())
    return text if 2 < len(text) < 70 and text[0].isalnum() else ""
