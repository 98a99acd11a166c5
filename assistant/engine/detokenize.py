"""Token ids to text while they arrive, whole characters only."""

from collections.abc import Sequence

from assistant.prompts import TextTokenizer

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_ANCHOR = "a"


class Detokenizer:
    """The text of an answer's tokens, piece by piece.

    The pieces together are what the tokenizer makes of all the tokens behind other text: a
    character whose bytes are spread over several tokens comes out when it is complete, a space
    that begins the first word is kept, and control tokens give no text. Bytes that never become a
    character come out as U+FFFD, as they do when all tokens are decoded at once.
    """

    def __init__(self, tokenizer: TextTokenizer, *, drop_space: bool = False) -> None:
        """`drop_space` leaves out one space at the very beginning of the answer."""
        self._tokenizer = tokenizer
        self._drop_space = drop_space
        # Decoders strip the space of a text's first token. With a token of plain text in front,
        # no token of the answer is the first. The same one serves every answer, because the
        # prompt's own last token may be one byte of a character.
        anchor = tokenizer.token_id(_ANCHOR)
        usable = anchor is not None and tokenizer.decode([anchor]) == _ANCHOR
        self._anchor: tuple[int, ...] = (anchor,) if usable and anchor is not None else ()
        self._pending: list[int] = []
        self._emitted = 0

    def push(self, token: int) -> str:
        """Take the next token and give the text that is complete now, often none."""
        self._pending.append(token)
        text = self._text(self._pending)
        complete = text.rstrip(_REPLACEMENT)
        piece = complete[self._emitted :]
        if len(complete) == len(text):
            self._pending.clear()
            self._emitted = 0
        else:
            self._emitted = max(self._emitted, len(complete))
        return self._without_space(piece)

    def finish(self) -> str:
        """No more tokens come: give what is left, unfinished characters as U+FFFD."""
        text = self._text(self._pending)[self._emitted :]
        self._pending.clear()
        self._emitted = 0
        return self._without_space(text)

    def _text(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode([*self._anchor, *ids])[len(self._anchor) :]

    def _without_space(self, piece: str) -> str:
        if not piece or not self._drop_space:
            return piece
        self._drop_space = False
        return piece.removeprefix(" ")
