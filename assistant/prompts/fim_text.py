"""Fill-in-the-middle as text, for servers that take text alone.

Such servers look for control tokens in all of a prompt, and so in the user's text too. What would
be taken for one there gets a space behind its first character (`< |fim_middle|>`): the model sees
a text that differs by that space, and the user's file is not touched.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from assistant.messages import CompletionRequest
from assistant.prompts.fim import before_space, render_fim, render_plain
from assistant.prompts.fim_formats import FimFormat
from assistant.prompts.segments import BOS, EOS, Kind, Segment

_MARK = "\N{LOWER ONE EIGHTH BLOCK}"
"""Sentencepiece's sign for a space."""
_WRITTEN_BOS = {"starter": "<|bos|>"}
"""Tokenizers that put no such token before a text by themselves, though their models want it."""
_SENTENCE_TOKENS = {"codellama": ("<s>", "</s>", "<unk>"), "starcoder": ("<reponame>",)}
"""Control tokens that no format writes and that look like tags."""
_TAGS = ("<s>", "</s>")
"""Of these, such as an answer may hold as HTML: a server ends an answer at the token by itself."""
_LOOKS_LIKE_TOKEN = r"[|\uff5c][^|\uff5c<>\s]{1,40}[|\uff5c]>"


class Spelling(Enum):
    """How a server wants sentencepiece's space mark in a control token's name."""

    MARK = "mark"
    """As it stands in the vocabulary: tokenizers of transformers."""
    SPACE = "space"
    """As the space that it stands for: llama.cpp and what is built on it."""


@dataclass(frozen=True, slots=True)
class TextPrompt:
    """A completion as text, and how its answer ends."""

    text: str
    stop: tuple[str, ...]
    """The texts that end the answer, the likeliest first."""
    drop_space: bool
    """The answer begins with a space that the user has typed."""


def render_fim_text(
    request: CompletionRequest, fim_format: FimFormat | None, spelling: Spelling = Spelling.MARK
) -> TextPrompt:
    """The prompt for the text at a cursor; without a format, the text before it alone.

    The token that begins a text is left out where the server's tokenizer adds it, as they do.
    """
    asked = before_space(request)
    name = fim_format.name if fim_format else ""
    segments = render_fim(asked, fim_format) if fim_format else render_plain(asked)
    written = {BOS: _WRITTEN_BOS.get(name, "")}
    tokens = _control_tokens(fim_format, spelling)

    def text_of(segment: Segment) -> str:
        if segment.kind is Kind.TOKEN:
            return written.get(segment.text, _spelled(segment.text, spelling))
        return (
            _without_tokens(segment.text, tokens) if segment.kind is Kind.CONTENT else segment.text
        )

    ends = tuple(token for token in fim_format.end_tokens if token != EOS) if fim_format else ()
    stop = [_spelled(token, spelling).strip() for token in ends] + [
        token.strip() for token in tokens
    ]
    return TextPrompt(
        text="".join(map(text_of, segments)),
        stop=tuple(token for token in dict.fromkeys(stop) if token not in _TAGS),
        drop_space=asked != request,
    )


def _control_tokens(fim_format: FimFormat | None, spelling: Spelling) -> tuple[str, ...]:
    if fim_format is None:
        return ()
    spelled = tuple(_spelled(name, spelling) for name in fim_format.all_tokens)
    return (*spelled, *_SENTENCE_TOKENS.get(fim_format.name, ()))


def _spelled(token: str, spelling: Spelling) -> str:
    if spelling is Spelling.SPACE and token.startswith(_MARK):
        return " " + token[1:]
    return token


def _without_tokens(text: str, tokens: tuple[str, ...]) -> str:
    return _token_start(tokens).sub("< ", text)


@lru_cache(maxsize=16)
def _token_start(tokens: tuple[str, ...]) -> re.Pattern[str]:
    """Finds the first character of what would be a control token; all of them begin alike."""
    rests = (re.escape(token.strip(f" {_MARK}").removeprefix("<")) for token in tokens)
    return re.compile(f"<(?={'|'.join([*rests, _LOOKS_LIKE_TOKEN])})")
