"""The parts of a Markdown text that may be rewritten, apart from all that must stay as it is.

Only paragraphs are prose, those inside lists and quotes included. Front matter, headings, code,
tables, HTML and link definitions are never shown to a model that rewrites, so it cannot harm them.
"""

import itertools
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt

from assistant.prompts.languages import is_chinese

_FRONT_MATTER = re.compile(r"\A---[ \t]*\r?\n.*?^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")
_HARD_BREAK = re.compile(r"(?: {2}|\\)$", re.MULTILINE)


@dataclass(frozen=True)
class Paragraph:
    """A paragraph at `start` to `end` (offsets into the whole text)."""

    start: int
    end: int
    text: str
    """Its words without list and quote marks, on one line where its line ends mean nothing."""
    indent: str
    """What stands before each line behind the first, such as `> ` or a list item's indentation."""
    width: int | None
    """Where its lines were wrapped, in characters; None where they were not."""
    line_end: str

    def layout(self, text: str) -> str:
        """`text` laid out as this paragraph was."""
        lines = text.splitlines()
        if self.width is not None:
            width = max(self.width - len(self.indent), 10)
            lines = [
                part
                for line in lines
                for part in textwrap.wrap(
                    line, width, break_long_words=False, break_on_hyphens=False
                )
                or [""]
            ]
        empty = self.indent.rstrip()
        first, *others = lines or [""]
        return self.line_end.join([first, *(self.indent + o if o else empty for o in others)])


def paragraphs(text: str) -> list[Paragraph]:
    """The paragraphs of a Markdown text, in order."""
    front = _FRONT_MATTER.match(text)
    begin = front.end() if front else 0
    lines = [match for match in _LINE.finditer(text, begin) if match.end() > match.start()]
    tokens = MarkdownIt("commonmark").enable("table").parse("".join(m[1] + "\n" for m in lines))
    found = []
    for opening, inline in itertools.pairwise(tokens):
        if opening.type == "paragraph_open" and opening.map and inline.content.strip():
            first, last = opening.map
            found.append(_paragraph(lines[first:last], inline.content))
    return [paragraph for paragraph in found if paragraph is not None]


def rebuild(text: str, rewritten: Iterable[tuple[Paragraph, str]]) -> str:
    """`text` with its paragraphs replaced, each laid out as it was; the rest stays byte by byte."""
    pieces, place = [], 0
    for paragraph, words in rewritten:
        if words != paragraph.text:
            pieces += [text[place : paragraph.start], paragraph.layout(words)]
            place = paragraph.end
    return "".join([*pieces, text[place:]])


def _paragraph(lines: Sequence[re.Match[str]], content: str) -> Paragraph | None:
    words = content.split("\n")
    prefixes = []
    for line, piece in zip(lines, words, strict=False):
        written = line[1].rstrip()
        if not written.endswith(piece.rstrip()):
            return None  # the parser changed characters (NUL): leave such a paragraph alone
        prefixes.append(written[: len(written) - len(piece.rstrip())])
    wrapped = len(words) > 1 and not _HARD_BREAK.search(content) and not is_chinese(content)
    return Paragraph(
        start=lines[0].start() + len(prefixes[0]),
        end=lines[-1].start() + len(lines[-1][1].rstrip()),
        text=" ".join(word.strip() for word in words) if wrapped else content,
        indent=prefixes[1] if len(prefixes) > 1 else re.sub(r"[^>\s]", " ", prefixes[0]),
        width=max(len(line[1]) for line in lines) if wrapped else None,
        line_end=lines[0][2] or "\n",
    )
