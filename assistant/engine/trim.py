"""Completions of long files, cut to what a model can read as its own tokenizer counts."""

from dataclasses import replace
from functools import lru_cache

from assistant.errors import PromptError
from assistant.messages import CompletionRequest
from assistant.prompts import Prompt, Renderer
from assistant.prompts.cutting import COMPLETION_CONTEXT, Cutter

_MANY_CHARACTERS = 8
"""A token's; longer texts are not worth tokenizing whole to see whether they fit."""
_MOST_TOKENS = 4
"""A character's: it has at most four bytes, and a token has at least one."""
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

        self.cutter = Cutter(count)

    def prompt(self, request: CompletionRequest, max_tokens: int) -> Prompt:
        """The prompt for `request`, cut so that there is room for the answer.

        The answer has room for `max_tokens`, or for a quarter of the context if that is less.
        Raises PromptError when not even the format's own tokens fit.
        """
        room = self._context - min(max_tokens, self._context // 4)
        if request.size <= room * _MANY_CHARACTERS:
            whole = self._renderer.complete(request)
            if len(whole.ids) <= room:
                return whole
        bare = replace(request, prefix="", suffix="", context=())
        budget = room - len(self._renderer.complete(bare).ids)
        for _ in range(_TRIES):
            if budget < _MOST_TOKENS:
                break
            prompt = self._renderer.complete(self.cutter.cut(request, budget))
            if len(prompt.ids) <= room:
                return prompt
            # A format may write some of the text twice, and pieces are counted one by one.
            budget = budget * 3 // 4 - (len(prompt.ids) - room) // _TRIES
        raise PromptError(
            f"the model's context of {self._context} tokens is too small for a completion:"
            " choose a model with a longer one"
        )
