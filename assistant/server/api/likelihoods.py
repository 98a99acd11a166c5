"""The probabilities of an answer's tokens, in the two forms that OpenAI's API has for them."""

import codecs
from collections.abc import Sequence
from typing import Any

from assistant.engine.requests import Likelihood, TokenLikelihood

_LOWEST = -9999.0
"""What stands for a probability of nothing: JSON has no infinity."""


def chat_logprobs(tokens: Sequence[TokenLikelihood]) -> dict[str, Any]:
    """The form of chat answers."""
    content = [
        _entry(token.chosen) | {"top_logprobs": [_entry(likely) for likely in token.top]}
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def _entry(likelihood: Likelihood) -> dict[str, Any]:
    return {
        "token": likelihood.text,
        "logprob": _finite(likelihood.logprob),
        "bytes": list(likelihood.data),
    }


def _finite(logprob: float) -> float:
    return max(logprob, _LOWEST)


class CompletionLogprobs:
    """The form of completions, for the tokens of one answer as they come.

    `text_offset` says for each token at which character of the answer's text it begins.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._offset = 0
        self._begun = False

    def add(self, tokens: Sequence[TokenLikelihood], text: str) -> dict[str, Any]:
        """The next tokens, and the text that came with them."""
        offsets = [self._place(token.chosen.data, text) for token in tokens]
        return {
            "tokens": [token.chosen.text for token in tokens],
            "token_logprobs": [_finite(token.chosen.logprob) for token in tokens],
            "top_logprobs": [
                {
                    likely.text: _finite(likely.logprob)
                    # Backwards, so that of several broken characters the likeliest stays.
                    for likely in (token.chosen, *reversed(token.top))
                }
                for token in tokens
            ],
            "text_offset": offsets,
        }

    def _place(self, data: bytes, text: str) -> int:
        place = max(self._offset, 0)
        decoded = self._decoder.decode(data)
        if decoded and not self._begun:
            self._begun = True
            if decoded.startswith(" ") and not text.startswith(" "):
                self._offset -= 1  # a space of the chat format's, which is no part of the text
        self._offset += len(decoded)
        return place
