"""How likely tokens were, in the terms that people and programs read."""

import torch

from assistant.engine.requests import Likelihood, TokenLikelihood
from assistant.prompts import TextTokenizer


class Likelihoods:
    """Tells of each token of an answer how likely it and its rivals were."""

    def __init__(self, tokenizer: TextTokenizer, top: int) -> None:
        """`top` is how many of the likeliest tokens to tell of."""
        self._tokenizer = tokenizer
        self._top = top

    def of(self, logits: torch.Tensor, chosen: int) -> TokenLikelihood:
        """For the token `chosen` from `logits`, one for each token of the vocabulary.

        The probabilities are the model's own: before temperature, top_p and any schema.
        """
        logprobs = torch.log_softmax(logits.float(), dim=-1)
        values, ids = logprobs.topk(min(self._top, len(logprobs)))
        top = tuple(
            self._told(token, value)
            for token, value in zip(ids.tolist(), values.tolist(), strict=True)
        )
        return TokenLikelihood(self._told(chosen, float(logprobs[chosen])), top)

    def _told(self, token: int, logprob: float) -> Likelihood:
        data = self._tokenizer.token_bytes(token)
        return Likelihood(data.decode(errors="replace"), data, logprob)
