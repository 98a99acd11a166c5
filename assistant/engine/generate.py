"""The loop that makes tokens: the prompt is read in chunks, then one token follows another."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from transformers import DynamicCache

from assistant.engine.attention import use_packed_attention
from assistant.engine.sampling import Sampler

CHUNK = 512
"""Tokens of a prompt that are read at once; between two chunks a request can be cancelled."""


class TokenLoop:
    """One model's forward passes for one request at a time."""

    def __init__(self, model: Any) -> None:
        """`model` is a transformers model for causal language modelling, in evaluation mode."""
        use_packed_attention(model)
        self._model = model
        self._device = model.device

    def tokens(
        self,
        ids: Sequence[int],
        cache: DynamicCache,
        sampler: Sampler,
        check: Callable[[], None],
    ) -> Iterator[int]:
        """Endless tokens behind the prompt `ids`, of which `cache` may hold a beginning already.

        `check` is called before every forward pass and may raise to end the loop. `cache` then
        holds whole chunks and tokens, so that its length says how far it came.
        """
        logits = self._read(ids, cache, check)
        while True:
            token = sampler.choose(logits)
            yield token
            check()
            logits = self._forward([token], cache)

    def _read(
        self, ids: Sequence[int], cache: DynamicCache, check: Callable[[], None]
    ) -> torch.Tensor:
        start = cache.get_seq_length()
        last = start + (len(ids) - 1 - start) // CHUNK * CHUNK
        for place in range(start, last, CHUNK):
            check()
            self._read_chunk(ids[place : place + CHUNK], cache)
        check()
        return self._forward(ids[last:], cache)

    @torch.inference_mode()
    def _read_chunk(self, ids: Sequence[int], cache: DynamicCache) -> None:
        """Read tokens whose logits nobody wants: the layers without the head."""
        self._model.base_model(input_ids=self._tensor(ids), past_key_values=cache, use_cache=True)

    # Entered for each pass and not once around the loop: a generator that held it would switch
    # inference mode on for whoever consumes its tokens.
    @torch.inference_mode()
    def _forward(self, ids: Sequence[int], cache: DynamicCache) -> torch.Tensor:
        """Read tokens; the logits behind the last one, one for each token of the vocabulary."""
        output = self._model(
            input_ids=self._tensor(ids), past_key_values=cache, use_cache=True, logits_to_keep=1
        )
        logits: torch.Tensor = output.logits[0, -1]
        return logits

    def _tensor(self, ids: Sequence[int]) -> torch.Tensor:
        return torch.tensor([ids], dtype=torch.long, device=self._device)
