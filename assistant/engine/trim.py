"""Long files around a cursor, cut to what a model can read.

The cut must not move with every keystroke: a prompt that begins one token later shares nothing
with the one before, and the prefix cache would be of no use. So texts are cut at fixed places,
a whole number of blocks from the file's start, and the cut jumps by a block now and then.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from assistant.errors import PromptError
from assistant.messages import CompletionRequest
from assistant.prompts import Prompt, Renderer

COMPLETION_CONTEXT = 8192
"""Tokens: a completion reads no more than this, however much the model could read."""
_SUFFIX_SHARE = 0.25
_BYTES_A_CHARACTER = 4
"""And at least a byte a token: so many characters always fit into four times as many tokens."""
_SMALLEST_BLOCK = 8
"""Blocks have as many characters as the budget has tokens, and for dense text down to an eighth."""
_TRIES = 4


class Trimmer:
    """Cuts completion requests for one model."""

    def __init__(self, renderer: Renderer, context: int) -> None:
        """`context` is the number of tokens that prompt and answer may have together."""
        self._renderer = renderer
        self._context = min(context, COMPLETION_CONTEXT)
        tokenizer = renderer.tokenizer

        @lru_cache(maxsize=256)
        def count(text: str) -> int:
            return len(tokenizer.encode_text(text))

        self._count = count

    def prompt(self, request: CompletionRequest, max_tokens: int) -> Prompt:
        """The prompt for `request`, cut so that there is room for the answer.

        The answer has room for `max_tokens`, or for a quarter of the context if that is less.
        Raises PromptError when not even the format's own tokens fit.
        """
        room = self._context - min(max_tokens, self._context // 4)
        frame = len(self._renderer.complete(replace(request, prefix="", suffix="")).ids)
        budget = room - frame
        for _ in range(_TRIES):
            if budget < _BYTES_A_CHARACTER:
                break
            prompt = self._renderer.complete(self.cut(request, budget))
            if len(prompt.ids) <= room:
                return prompt
            # A format may write some of the text twice, and pieces are counted one by one.
            budget = budget * 3 // 4 - (len(prompt.ids) - room) // _TRIES
        raise PromptError(
            f"the model's context of {self._context} tokens is too small for a completion:"
            " choose a model with a longer one"
        )

    def cut(self, request: CompletionRequest, budget: int) -> CompletionRequest:
        """`request` with the end of its prefix and the beginning of its suffix, `budget` tokens."""
        reserve = int(budget * _SUFFIX_SHARE)
        if len(request.prefix) * _BYTES_A_CHARACTER <= reserve:
            reserve = budget - reserve
        suffix = self._beginning(request.suffix, reserve)
        left = budget - sum(map(self._count, _blocks(suffix, reserve)))
        return replace(request, prefix=self._end(request.prefix, left), suffix=suffix)

    def _end(self, text: str, budget: int) -> str:
        """The end of `text`, from a fixed place on, in at most `budget` tokens."""
        size = max(budget, 1)
        while size >= max(1, budget // _SMALLEST_BLOCK):
            start = self._fitting_start(text, budget, size)
            if self._is_enough(text[start:], budget) or start == 0:
                return text[_line_start(text, start, size) :]
            size //= 2
        return text[max(0, len(text) - budget // _BYTES_A_CHARACTER) :]

    def _fitting_start(self, text: str, budget: int, size: int) -> int:
        """The first multiple of `size` from where on `text` fits into `budget`."""
        start = len(text)
        tokens = 0
        for place in range((len(text) - 1) // size * size, -1, -size):
            tokens += self._count(text[place : place + size])
            if tokens > budget:
                break
            start = place
        return start

    def _beginning(self, text: str, budget: int) -> str:
        """The beginning of `text` in at most `budget` tokens, whole lines if it has any."""
        size = max(budget, 1)
        while size >= max(1, budget // _SMALLEST_BLOCK):
            end, tokens = 0, 0
            for block in _blocks(text, size):
                tokens += self._count(block)
                if tokens > budget:
                    break
                end += len(block)
            if self._is_enough(text[:end], budget) or end == len(text):
                line_end = text.rfind("\n", end - size, end) + 1 if end < len(text) else end
                return text[: line_end or end]
            size //= 2
        return text[: budget // _BYTES_A_CHARACTER]

    def _is_enough(self, text: str, budget: int) -> bool:
        """Whether a cut at this block size uses the budget well; text can be dense in tokens."""
        return len(text) > 0 and len(text) >= budget // _BYTES_A_CHARACTER


def _blocks(text: str, size: int) -> Iterator[str]:
    for place in range(0, len(text), max(size, 1)):
        yield text[place : place + size]


def _line_start(text: str, start: int, size: int) -> int:
    """The beginning of the first line behind `start`, if one begins soon."""
    if start == 0 or text[start - 1] == "\n":
        return start
    newline = text.find("\n", start, start + min(size // 4, (len(text) - start) // 2))
    return start if newline < 0 else newline + 1
